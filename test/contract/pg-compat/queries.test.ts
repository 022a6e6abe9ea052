import pg from 'pg';
import { describe, expect, test } from 'vitest';
import type { PoolConfig } from '../../../sidecar/index.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { bench, flavours } from './setup.js';

/** Whatever has `query`: four pools and three clients, one after the other, through the same tests. */
const at = bench();

interface Way {
  readonly name: string;
  open(options?: PoolConfig): Promise<pg.Pool | pg.Client>;
}

const ways: Way[] = [
  ...flavours.map((flavour) => ({
    name: `${flavour.name}: Pool`,
    open: (options?: PoolConfig) => Promise.resolve(at.pool(flavour, options)),
  })),
  { name: 'hotspare: pool.read', open: (options?: PoolConfig) => Promise.resolve(at.read(options)) },
  ...flavours.map((flavour) => ({
    name: `${flavour.name}: Client`,
    open: async (options?: PoolConfig) => {
      const client = at.client(flavour, options);
      await client.connect();
      return client;
    },
  })),
];

type Loose = { query(...args: unknown[]): unknown };
/** Through a callback, with whatever arguments. */
const called = (db: object, ...args: unknown[]) =>
  new Promise<{ error: Error | null | undefined; result: pg.QueryResult; returned: unknown }>((resolve) => {
    const returned: unknown = (db as Loose).query(...args, (error: Error | null, result: pg.QueryResult) =>
      setImmediate(() => resolve({ error, result, returned })),
    );
  });
const failed = (db: object, ...args: unknown[]) =>
  ((db as Loose).query(...args) as Promise<unknown>).then(
    () => {
      throw new Error('this query should have failed');
    },
    (error: Error & { code?: string }) => error,
  );

describe.each(ways)('$name', ({ open }) => {
  test('promises: text, values, a config, a config and values', async () => {
    const db = await open();
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    expect((await db.query('SELECT $1::int AS n', [2])).rows).toEqual([{ n: 2 }]);
    expect((await db.query({ text: 'SELECT $1::int AS n', values: [3] })).rows).toEqual([{ n: 3 }]);
    expect((await db.query({ text: 'SELECT $1::int AS n' }, [4])).rows).toEqual([{ n: 4 }]);
    const result = await db.query<[number]>({ text: 'SELECT 5 AS n', rowMode: 'array' });
    expect(result.rows).toEqual([[5]]);
    expect(result).toMatchObject({ command: 'SELECT', rowCount: 1, oid: null });
    expect(result).toBeInstanceOf(pg.Result);
    expect(result.fields).toMatchObject([{ name: 'n', dataTypeID: 23, format: 'text' }]);
  });

  test('callbacks: nothing is returned; the error is an argument', async () => {
    const db = await open();
    for (const args of [['SELECT 7 AS n'], ['SELECT $1::int AS n', [7]], [{ text: 'SELECT 7 AS n' }]]) {
      const { error, result, returned } = await called(db, ...args);
      expect([error ?? null, result.rows, returned]).toEqual([null, [{ n: 7 }], undefined]);
    }
    const { error, result } = await called(db, 'SELECT nothing');
    expect(error).toMatchObject({ code: '42703' });
    expect(result).toBeUndefined();
  });

  test("Postgres' errors arrive untouched, with the caller in their stack", async () => {
    const db = await open();
    async function somebodyWhoAsks() {
      await db.query('SELECT nothing');
    }
    const error = await somebodyWhoAsks().catch((thrown: unknown) => thrown as pg.DatabaseError);
    expect(error).toBeInstanceOf(pg.DatabaseError);
    expect(error).toMatchObject({
      name: 'error',
      code: '42703',
      severity: 'ERROR',
      position: '8',
      routine: 'errorMissingColumn',
      message: 'column "nothing" does not exist',
    });
    expect((error as Error).stack).toContain('somebodyWhoAsks');
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('misuse', async () => {
    const db = await open();
    expect(await failed(db, { text: 7 })).toMatchObject({
      message: 'A query must have either text or a name. Supplying neither is unsupported.',
    });
    expect(await failed(db, 'SELECT $1::int', 7)).toMatchObject({ message: 'Query values must be an array' });
    const text = 'Client was passed a null or undefined query';
    await expect((async () => (db as unknown as Loose).query(null))()).rejects.toThrow(text);
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });

  test('parameters of all kinds', async () => {
    const db = await open();
    const when = new Date('2024-02-29T12:30:00.250Z');
    const { rows } = await db.query(
      `SELECT $1::int AS i, $2::text AS t, $3::bool AS b, $4::timestamptz AS d, $5::bytea AS y, $6::jsonb AS j,
        $7::int[] AS a, $8::text AS x, $9::int8 AS big, $10::numeric AS num, $11::float8 AS f, $12::text AS own`,
      [
        ...[-5, "it's", true, when, Buffer.from([0, 255]), { deep: ['er'] }, [1, null, 3], null],
        ...[12345678901234567890n / 10n, '0.10', 1.5, { toPostgres: () => 'mine' }],
      ],
    );
    expect(rows).toEqual([
      {
        ...{ i: -5, t: "it's", b: true, d: when, y: Buffer.from([0, 255]), j: { deep: ['er'] } },
        ...{ a: [1, null, 3], x: null, big: '1234567890123456789', num: '0.10', f: 1.5, own: 'mine' },
      },
    ]);
  });

  test('several statements give several results, the first error ends them', async () => {
    const db = await open();
    const results = (await db.query('SELECT 1 AS a; SELECT 2 AS b')) as unknown as pg.QueryResult[];
    expect(results.map(({ rows }) => rows)).toEqual([[{ a: 1 }], [{ b: 2 }]]);
    expect(await failed(db, 'SELECT 1; SELECT nothing; SELECT 3')).toMatchObject({ code: '42703' });
    expect((await db.query('')).rows).toEqual([]);
  });

  test('named statements; another text under the same name is refused', async () => {
    const db = await open({ max: 1 });
    const named = { name: 'plus', text: 'SELECT $1::int + 1 AS n' };
    for (const n of [1, 2, 3])
      expect((await db.query({ ...named, values: [n] })).rows).toEqual([{ n: n + 1 }]);
    const prepared = await db.query("SELECT name FROM pg_prepared_statements WHERE name = 'plus'");
    expect(prepared.rows).toEqual([{ name: 'plus' }]);
    expect((await failed(db, { ...named, text: 'SELECT 2' })).message).toMatch(
      "Prepared statements must be unique - 'plus' was used for a different statement",
    );
  });

  test('queryMode extended, rows, binary', async () => {
    const db = await open();
    const extended = { text: 'SELECT 1; SELECT 2', queryMode: 'extended' };
    expect((await failed(db, extended)).message).toMatch(/multiple commands/);
    const paged = { text: 'SELECT generate_series(1, 7) AS n', rows: 2 };
    expect((await db.query<{ n: number }>(paged)).rows.map(({ n }) => n)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    const binary = { text: 'SELECT $1::int4 AS n, $2::bool AS b', values: [258, true], binary: true };
    const result = await db.query(binary);
    expect(result.rows).toEqual([{ n: 258, b: true }]);
    expect(result.fields[0]).toMatchObject({ format: 'binary' });
  });

  test('binary for all, by the option', async () => {
    const db = await open({ binary: true } as PoolConfig);
    const result = await db.query('SELECT $1::int4 AS n', [258]);
    expect([result.rows, result.fields[0]!.format]).toEqual([[{ n: 258 }], 'binary']);
  });

  test('type parsers: of the query, and of the connection', async () => {
    const raw = { getTypeParser: () => (value: string) => `raw ${value}` } as unknown as pg.CustomTypesConfig;
    const db = await open();
    expect((await db.query({ text: 'SELECT true AS b', types: raw })).rows).toEqual([{ b: 'raw t' }]);
    expect((await db.query('SELECT true AS b')).rows).toEqual([{ b: true }]);
    const all = await open({ types: raw });
    expect((await all.query('SELECT true AS b, 8 AS n')).rows).toEqual([{ b: 'raw t', n: 'raw 8' }]);
  });

  test('pg.Query: rows as they come, end, error', async () => {
    const db = await open();
    const heard: unknown[] = [];
    const query = new pg.Query('SELECT generate_series(1, 2) AS n');
    query.on('row', (row: unknown) => heard.push(row));
    const ended = new Promise<pg.QueryResult>((resolve) => query.on('end', resolve));
    void db.query(query);
    expect((await ended).rowCount).toBe(2);
    expect(heard).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('query_timeout, of the query and of the connection', async () => {
    const db = await open();
    const slow = 'SELECT pg_sleep(30)';
    expect((await failed(db, { text: slow, query_timeout: 50 })).message).toBe('Query read timeout');
    const all = await open({ query_timeout: 50 });
    expect((await failed(all, slow)).message).toBe('Query read timeout');
    expect((await called(await open({ query_timeout: 50 }), slow)).error?.message).toBe('Query read timeout');
  });

  test('statement_timeout, lock_timeout, idle_in_transaction_session_timeout, application_name, options', async () => {
    const db = await open({
      ...{ statement_timeout: 40, lock_timeout: 41, idle_in_transaction_session_timeout: 42_000 },
      ...{ application_name: 'mine', options: '-c search_path=elsewhere -c work_mem=123kB' },
    });
    const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'];
    const { rows } = await db.query<[string]>({
      text: `SELECT current_setting(unnest($1::text[]))`,
      values: [[...names, 'application_name', 'search_path', 'work_mem']],
      rowMode: 'array',
    });
    expect(rows.flat()).toEqual(['40ms', '41ms', '42s', 'mine', 'elsewhere', '123kB']);
    expect(await failed(db, 'SELECT pg_sleep(30)')).toMatchObject({ code: '57014', severity: 'ERROR' });
  });

  test('pg_cancel_backend', async () => {
    const db = await open();
    const slow = failed(db, 'SELECT pg_sleep(30) /* cancel me */');
    const find = `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%cancel me%' AND pid <> pg_backend_pid() AND wait_event = 'PgSleep'`;
    const servers = [at.pair.primary, at.pair.standby];
    await waitFor('it to be cancelled', eventuallyMs, async () => {
      const found = await Promise.all(servers.map((server) => server.query(find)));
      return found.flat().length > 0;
    });
    expect(await slow).toMatchObject({ code: '57014' });
    expect((await db.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
  });
});
