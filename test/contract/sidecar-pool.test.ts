import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DownError,
  OutcomeUnknownError,
  Pool,
  ReadOnlyError,
  type Mode,
  type PoolConfig,
} from '../../sidecar/index.js';
import { Gate } from '../support/gate.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (id serial PRIMARY KEY, text text)');
  await pair.primary.query('GRANT ALL ON notes, notes_id_seq TO app');
  const [row] = await pair.primary.query('SELECT pg_current_wal_lsn()::text');
  await pair.standby.waitUntilReplayed(String(row![0]));
});
afterAll(() => pair?.destroy());

function makePool(options: PoolConfig = {}): Pool {
  const pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    hotspare: { hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })) },
    ...options,
  });
  pools.push(pool);
  return pool;
}

const port = async (queryable: Pick<pg.Pool, 'query'>) =>
  (await queryable.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

beforeEach(async () => {
  await waitFor('the standby to follow', 20_000, async () => {
    const [row] = await pair.primary.query('SELECT count(*)::int FROM pg_stat_replication');
    return row?.[0] === 1;
  });
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

/** Asks `pool` first: it knows nobody before its first query. */
async function bothProven(pool: Pool): Promise<void> {
  await pool.query('SELECT 1');
  await waitFor(
    'both members proven',
    20_000,
    () => pool.mode === 'read-write' && pool.topology.replicas.length === 1,
  );
}

/** Everything on `pool`, one after the other, until it answers from the standby. */
async function untilFromStandby(pool: Pool): Promise<void> {
  await waitFor('an answer from the standby', 2_000, async () => (await port(pool)) === pair.standby.port, 1);
}

describe('in good times', () => {
  test('pool works on the primary, pool.read on the replica and cannot write', async () => {
    const pool = makePool();
    expect(pool).toBeInstanceOf(pg.Pool);
    expect(pool.read).toBeInstanceOf(pg.Pool);
    expect(pool.mode).toBe('down');
    expect(await port(pool)).toBe(pair.primary.port);
    expect(pool.mode).toBe('read-write');
    await pool.waitForMode('read-write', 1);
    await waitFor('both members proven', 2_000, () => pool.topology.replicas.length === 1);
    expect(await port(pool.read)).toBe(pair.standby.port);
    const { rows } = await pool.read.query('SHOW default_transaction_read_only');
    expect(rows).toEqual([{ default_transaction_read_only: 'on' }]);
    await expect(pool.read.query('INSERT INTO notes (text) VALUES (1)')).rejects.toMatchObject({
      name: 'ReadOnlyError',
      code: '25006',
      severity: 'ERROR',
      retry: 'safe',
      cause: { code: '25006' },
    });
    await waitFor('the age of the data', 2_000, () => pool.dataAgeMs !== null && pool.dataAgeMs < 1_000);
    expect(pool.topology.members.map(({ role }) => role).sort()).toEqual(['primary', 'replica']);
  });

  test('a session given up in the middle of its log-in does not disturb the next attempt', async () => {
    // The primary often proves itself first; then the replica does, and pool.read turns to it at once.
    for (let round = 0; round < 30; round++) {
      const pool = makePool({ password: async () => 'app' });
      await Promise.all([1, 2, 3].map(() => pool.read.query('SELECT 1')));
      await pool.end();
    }
  });

  test("the user's own options go on working beside ours", async () => {
    const pool = makePool({ options: '-c search_path=elsewhere', application_name: 'mine', max: 3 });
    const { rows } = await pool.read.query(
      "SELECT current_setting('search_path') s, current_setting('application_name') a",
    );
    expect(rows).toEqual([{ s: 'elsewhere', a: 'mine' }]);
    expect(pool.options.max).toBe(3);
    expect((pool.read as pg.Pool).options.max).toBe(3);
  });

  test('counters and events are those of pg-pool', async () => {
    const pool = makePool({ max: 2 });
    const heard: string[] = [];
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
      pool.on(event, () => heard.push(event));
    const one = await pool.connect();
    const two = await pool.connect();
    const third = pool.connect();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 1]);
    one.release();
    (await third).release();
    two.release();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 2, 0]);
    expect(heard).toEqual([
      ...['connect', 'acquire', 'connect', 'acquire'],
      ...['release', 'acquire', 'release', 'release'],
    ]);
    await pool.end();
    await waitFor(
      'both to be removed',
      2_000,
      () => heard.filter((event) => event === 'remove').length === 2,
    );
    await expect(pool.query('SELECT 1')).rejects.toThrow('after calling end');
    await expect(pool.end()).rejects.toThrow('more than once');
  });

  test('callbacks, configs, parameters, events and Submittables', async () => {
    const pool = makePool();
    const viaCallback = await new Promise((resolve, reject) =>
      pool.query('SELECT $1::int AS n', [7], (error, result) =>
        error ? reject(error) : resolve(result.rows),
      ),
    );
    expect(viaCallback).toEqual([{ n: 7 }]);
    const noValues = await new Promise((resolve, reject) =>
      pool.query('SELECT 8 AS n', (error: Error, result: pg.QueryResult) =>
        error ? reject(error) : resolve(result.rows),
      ),
    );
    expect(noValues).toEqual([{ n: 8 }]);
    expect((await pool.query({ text: 'SELECT 9 AS n', rowMode: 'array' })).rows).toEqual([[9]]);
    const named = { name: 'ten', text: 'SELECT $1::int AS n', values: [10] };
    for (let i = 0; i < 3; i++) expect((await pool.query(named)).rows).toEqual([{ n: 10 }]);
    const client = await pool.connect();
    const rows: unknown[] = [];
    await new Promise((resolve, reject) => {
      const query = client.query(new pg.Query('SELECT generate_series(1, 3) AS n'));
      query.on('row', (row) => rows.push(row));
      query.on('error', reject as never);
      query.on('end', resolve as never);
    });
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    client.release();
    await expect(pool.query('SELECT nonsense')).rejects.toMatchObject({ code: '42703' });
    await expect(pool.query(null as never)).rejects.toThrow(TypeError);
  });

  test('connectTo gives sessions of their own', async () => {
    const pool = makePool({ max: 1 });
    const held = await pool.connect();
    for (const [wanted, expected] of [
      ['primary', pair.primary.port],
      ['replica', pair.standby.port],
      [{ host: pair.standby.host, port: pair.standby.port }, pair.standby.port],
    ] as const) {
      const client = await pool.connectTo(wanted);
      expect(await port(client)).toBe(expected);
      client.release();
      expect(() => client.release()).toThrow('already been released');
    }
    held.release();
  });

  test('transaction commits, rolls back, and repeats what Postgres asks to repeat', async () => {
    const pool = makePool();
    const count = async () => (await pool.query('SELECT count(*)::int AS n FROM notes')).rows[0].n;
    const before = await count();
    expect(
      await pool.transaction(async (client) => {
        await client.query("INSERT INTO notes (text) VALUES ('a')");
        return 'done';
      }),
    ).toBe('done');
    await expect(
      pool.transaction(async (client) => {
        await client.query("INSERT INTO notes (text) VALUES ('b')");
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await count()).toBe(before + 1);
    let runs = 0;
    await pool.transaction(
      async () => {
        runs += 1;
        if (runs < 3) throw Object.assign(new Error('serialization'), { code: '40001' });
      },
      { retry: true },
    );
    expect(runs).toBe(3);
    await expect(
      pool.transaction(async (client) => {
        await client.query('SELECT nonsense').catch(() => {});
      }),
    ).rejects.toThrow('rolled back');
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('a serialization failure that is the answer to COMMIT is repeated', async () => {
    const pool = makePool();
    await pool.query(
      "CREATE TABLE duty (name text, on_duty boolean); INSERT INTO duty VALUES ('a', true), ('b', true)",
    );
    const leave = async (client: pg.ClientBase, name: string) => {
      await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      const { rows } = await client.query('SELECT name FROM duty WHERE on_duty');
      if (rows.length > 1) await client.query('UPDATE duty SET on_duty = false WHERE name = $1', [name]);
    };
    const colleague = async () => {
      const other = await pool.connect();
      await other.query('BEGIN');
      await leave(other, 'b');
      return other;
    };
    const run = async (retry: boolean) => {
      await pool.query('UPDATE duty SET on_duty = true');
      let runs = 0;
      const done = pool.transaction(
        async (client) => {
          const other = runs++ === 0 ? await colleague() : null;
          await leave(client, 'a');
          // All statements have succeeded: only COMMIT is left to fail.
          await other?.query('COMMIT');
          other?.release();
        },
        { retry },
      );
      return { runs: () => runs, done };
    };
    const once = await run(false);
    await expect(once.done).rejects.toMatchObject({ code: '40001', message: expect.stringMatching(/./) });
    const twice = await run(true);
    await twice.done;
    expect([once.runs(), twice.runs()]).toEqual([1, 2]);
    expect((await pool.query('SELECT name FROM duty WHERE on_duty')).rows).toEqual([{ name: 'a' }]);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('COMMIT sent and not answered: the outcome is unknown, and nothing is repeated', async () => {
    await pair.primary.query(`
      CREATE TABLE slow (n int);
      GRANT ALL ON slow TO app;
      CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(5); RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slowly()`);
    const plain = {
      host: pair.primary.host,
      port: pair.primary.port,
      hotspare: undefined,
    } as unknown as PoolConfig;
    const terminate = (pid: number) =>
      waitFor('the COMMIT', 2_000, async () => {
        const running =
          "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND query = 'COMMIT'";
        return (await pair.primary.query(running, [pid])).length > 0;
      });
    const cases: [PoolConfig, (pid: number) => unknown][] = [
      [{}, terminate],
      [plain, terminate],
      [{ ...plain, query_timeout: 300 }, () => {}],
    ];
    for (const [options, during] of cases) {
      const pool = makePool(options);
      let runs = 0;
      const done = pool.transaction(
        async (client) => {
          runs += 1;
          await client.query('INSERT INTO slow VALUES (1)');
          const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
          void during(rows[0].pid);
        },
        { retry: true },
      );
      await expect(done).rejects.toMatchObject({
        name: 'OutcomeUnknownError',
        code: '08007',
        retry: 'unknown',
      });
      expect(runs).toBe(1);
      await waitFor('the session to leave the pool', 2_000, () => pool.totalCount === 0);
    }
  });

  test('pipelined statements of one client', async () => {
    const pool = makePool({ pipeline: true } as PoolConfig);
    const client = await pool.connect();
    const three = ['SELECT 1 AS n', 'SELECT nonsense', 'SELECT 3 AS n'].map((sql) => client.query(sql));
    expect(await Promise.allSettled(three)).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { reason: { code: '42703' } },
      { value: { rows: [{ n: 3 }] } },
    ]);
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const lost = Promise.allSettled(['SELECT pg_sleep(10)', 'SELECT 2'].map((sql) => client.query(sql)));
    await waitFor('the first to run', 2_000, async () => {
      const running =
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND query LIKE '%sleep(10)%'";
      return (await pair.primary.query(running, [rows[0].pid])).length > 0;
    });
    // Both were on their way: of neither is it known.
    const unknown = { reason: { name: 'OutcomeUnknownError', cause: expect.anything() } };
    expect(await lost).toMatchObject([unknown, unknown]);
    client.release();
    expect(pool.totalCount).toBe(0);
    expect(await port(pool)).toBe(pair.primary.port);
    await waitFor('the replica', 2_000, () => pool.topology.replicas.length === 1);
    expect(await port(pool.read)).toBe(pair.standby.port);
  });

  test('a wrong password is the error, at once', async () => {
    const pool = makePool({ password: 'wrong' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('a password function and a read-only transaction of your own', async () => {
    const pool = makePool({
      host: pair.standby.host,
      port: pair.standby.port,
      password: async () => 'app',
    });
    expect(await port(pool)).toBe(pair.primary.port);
    const client = await pool.connect();
    await client.query('BEGIN READ ONLY');
    await expect(client.query("INSERT INTO notes (text) VALUES ('c')")).rejects.toThrow(
      'this transaction is read-only',
    );
    await client.query('ROLLBACK');
    client.release();
    expect(pool.mode).toBe('read-write');
  });
});

describe('when a session ends', () => {
  test('57P01 while idle: no crash, no mode change, not used again', async () => {
    const pool = makePool();
    const modes: Mode[] = [];
    await pool.query('SELECT 1');
    pool.on('mode', (mode) => modes.push(mode));
    await pair.primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND backend_type = 'client backend'",
    );
    await waitFor('the pool to drop it', 2_000, () => pool.totalCount === 0);
    expect(await port(pool)).toBe(pair.primary.port);
    expect(modes).toEqual([]);
  });

  test('a changed password locks the monitor out: while sessions live on, so does the mode', async () => {
    const pool = makePool();
    const modes: Mode[] = [];
    const held = await pool.connect();
    await pool.query('SELECT 1');
    await waitFor('both members proven', 2_000, () => pool.topology.replicas.length === 1);
    pool.on('mode', (mode) => modes.push(mode));
    const rejections = () => pair.primary.log().split('password authentication failed').length - 1;
    await pair.primary.query("ALTER USER app PASSWORD 'changed'");
    try {
      const before = rejections();
      await pair.primary.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
      );
      await waitFor('the monitor to be rejected three times', 5_000, () => rejections() >= before + 3);
      expect(await port(held)).toBe(pair.primary.port);
      await pool.query("INSERT INTO notes (text) VALUES ('still writing')");
      expect([pool.mode, modes]).toEqual(['read-write', []]);
      held.release(true);
      pool.options.min = 0;
      const session = await pool.connect();
      session.release(true);
      await pool.waitForMode('read-only', 3_000);
    } finally {
      await pair.primary.query("ALTER USER app PASSWORD 'app'");
    }
    await pool.waitForMode('read-write', 3_000);
  });

  test('57P01 in flight: the outcome is unknown, and the session is not pooled again', async () => {
    const pool = makePool();
    const client = await pool.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const lost = client.query('SELECT pg_sleep(10)');
    const queued = client.query('SELECT 2');
    const outcomes = Promise.allSettled([lost, queued]);
    await pair.primary.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
    const [first, second] = await outcomes;
    expect(first).toMatchObject({
      reason: { name: 'OutcomeUnknownError', code: '08007', retry: 'unknown', cause: { code: '57P01' } },
    });
    expect(second).toMatchObject({ reason: { name: 'ConnectionLostError', code: '08006', retry: 'safe' } });
    await expect(client.query('SELECT 3')).rejects.toMatchObject({ code: '08006', retry: 'safe' });
    client.release();
    expect(pool.totalCount).toBe(0);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('released right after 57P01, before the socket has closed, it is not handed out again', async () => {
    const pool = makePool({ max: 1 });
    const client = await pool.connect();
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const lost = client.query('SELECT pg_sleep(10)').catch(() => client.release());
    const next = pool.query('SELECT pg_backend_pid() AS pid');
    await pair.primary.query('SELECT pg_terminate_backend($1)', [rows[0].pid]);
    await lost;
    expect((await next).rows[0].pid).not.toBe(rows[0].pid);
  });

  test('a read cut off is given again by pool.read', async () => {
    const pool = makePool();
    const { sql, gates } = await Gate.closeOn(pair.standby, pair.primary);
    const [onStandby, onPrimary] = gates;
    try {
      await bothProven(pool);
      const read = pool.read.query(`SELECT 'whole' AS answer, pg_backend_pid() AS pid FROM ${sql}`);
      const [first] = await onStandby.arrivals();
      await pair.standby.query('SELECT pg_terminate_backend($1)', [first]);
      const again = await waitFor('the query to be given again', 20_000, async () => {
        const pids = [...(await onStandby.waiting()), ...(await onPrimary.waiting())];
        return pids.find((pid) => pid !== first);
      });
      await Promise.all([onStandby.open(), onPrimary.open()]);
      expect((await read).rows).toEqual([{ answer: 'whole', pid: again }]);
    } finally {
      await Promise.all([onStandby.open(), onPrimary.open()]);
    }
  });
});

describe('when the primary is killed', () => {
  test('reads go on, writes fail at once, all comes back; four times', async () => {
    const pool = makePool();
    const modes: [Mode, string][] = [];
    pool.on('mode', (mode, { reason, previous, since }) => {
      expect(since).toBeInstanceOf(Date);
      expect(previous).not.toBe(mode);
      modes.push([mode, reason]);
    });
    for (let round = 0; round < 4; round++) {
      await pool.query("INSERT INTO notes (text) VALUES ('before')");
      pair.primary.kill();
      await untilFromStandby(pool);
      expect(pool.mode).toBe('read-only');
      expect(pool.topology).toMatchObject({ primary: null, readFrom: [{ port: pair.standby.port }] });
      await expect(pool.query("INSERT INTO notes (text) VALUES ('while')")).rejects.toBeInstanceOf(
        ReadOnlyError,
      );
      // The refused write left its session in the pool.
      expect(pool.idleCount).toBe(1);
      await expect(pool.connectTo('primary')).rejects.toBeInstanceOf(ReadOnlyError);
      await pair.primary.start();
      await pool.waitForMode('read-write', 1_000);
      await pool.query("INSERT INTO notes (text) VALUES ('after')");
    }
    expect(modes.map(([mode]) => mode).slice(-2)).toEqual(['read-only', 'read-write']);
    expect(modes.some(([, reason]) => /^the primary .* (crashed|refuses connections)$/.test(reason))).toBe(
      true,
    );
  });

  test('pool.read never fails', async () => {
    const pool = makePool();
    await pool.query('SELECT 1');
    let running = true;
    let answered = 0;
    const reads = Array.from({ length: 4 }, async () => {
      while (running) {
        await pool.read.query('SELECT 1');
        answered += 1;
      }
    });
    pair.primary.kill();
    await pool.waitForMode('read-only', 1_000);
    await pair.primary.start();
    await pool.waitForMode('read-write', 1_000);
    running = false;
    await Promise.all(reads);
    expect(answered).toBeGreaterThan(0);
  });

  test('a transaction in flight fails and is not moved; with retry it is run again', async () => {
    const pool = makePool({ writeWaitMs: 5_000 });
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO notes (text) VALUES ('never')");
    let runs = 0;
    const repeated = pool.transaction(
      async (own) => {
        runs += 1;
        await own.query("INSERT INTO notes (text) VALUES ('once')");
        if (runs === 1) await own.query('SELECT pg_sleep(10)');
      },
      { retry: 5 },
    );
    await waitFor('both to be in their transactions', 2_000, async () => {
      const rows = await pair.primary.query(
        "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(10)%'",
      );
      return rows.length > 1;
    });
    pair.primary.kill();
    await pool.waitForMode('read-only', 1_000);
    await waitFor('the session to end', 2_000, () =>
      client.query('SELECT 1').then(
        () => false,
        (error: Error) => error,
      ),
    );
    client.release();
    await pair.primary.start();
    await repeated;
    expect(runs).toBeGreaterThan(1);
    const [row] = await pair.primary.query(
      "SELECT count(*) FILTER (WHERE text = 'never')::int, count(*) FILTER (WHERE text = 'once')::int FROM notes",
    );
    expect(row).toEqual([0, 1]);
  });

  test('writeWaitMs holds a write until the primary is back', async () => {
    const pool = makePool({ writeWaitMs: 5_000 });
    await pool.query('SELECT 1');
    pair.primary.kill();
    await pool.waitForMode('read-only', 1_000);
    const write = pool.query("INSERT INTO notes (text) VALUES ('waited') RETURNING text");
    await pair.primary.start();
    expect((await write).rows).toEqual([{ text: 'waited' }]);
  });

  test('an orderly stop is the same', async () => {
    const pool = makePool();
    await pool.query('SELECT 1');
    const stopped = pair.primary.stop();
    await pool.waitForMode('read-only', 1_000);
    await untilFromStandby(pool);
    await stopped;
    await pair.primary.start();
    await pool.waitForMode('read-write', 1_000);
  });
});

describe('when the primary freezes', () => {
  afterEach(() => pair.primary.thaw());

  test('nobody waits for it, and it is taken back after the thaw', async () => {
    const pool = makePool({ max: 3 });
    const bystander = await pool.connect();
    await Promise.all([1, 2].map(() => pool.query('SELECT pg_sleep(0.1)')));
    await waitFor('both members proven', 2_000, () => pool.topology.replicas.length === 1);
    const startedMs = performance.now();
    pair.primary.freeze();
    // Two in flight besides the bystander, five in the queue.
    const queries = Array.from({ length: 7 }, () => port(pool).catch((error: unknown) => error));
    const outcomes = await Promise.all(queries);
    const tookMs = performance.now() - startedMs;
    expect(outcomes.filter((outcome) => outcome instanceof OutcomeUnknownError)).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === pair.standby.port)).toHaveLength(5);
    // One second is promised; a busy test machine gets some more.
    expect(tookMs).toBeLessThan(2_000);
    expect(pool.mode).toBe('read-only');
    await expect(bystander.query('SELECT 1')).rejects.toMatchObject({ retry: 'safe' });
    bystander.release();
    pair.primary.thaw();
    await pool.waitForMode('read-write', 1_000);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('a busy event loop is not taken for a dead server', async () => {
    const pool = makePool();
    const modes: Mode[] = [];
    await pool.query('SELECT 1');
    await waitFor('both members proven', 2_000, () => pool.topology.replicas.length === 1);
    pool.on('mode', (mode) => modes.push(mode));
    for (let i = 0; i < 3; i++) {
      const untilMs = performance.now() + 900;
      while (performance.now() < untilMs);
      await pool.query('SELECT 1');
    }
    expect(modes).toEqual([]);
  });
});

describe('when nothing answers', () => {
  test('DownError in bounded time, then at once; it recovers by itself', async () => {
    const pool = makePool();
    await pool.query('SELECT 1');
    await Promise.all([pair.primary.stop(), pair.standby.stop()]);
    await pool.waitForMode('down', 2_000);
    const errors = await Promise.all(
      Array.from({ length: 40 }, () => pool.query('SELECT 1').catch((error: unknown) => error)),
    );
    for (const error of errors) expect(error).toBeInstanceOf(DownError);
    expect(errors[0]).toMatchObject({ code: '57P03', severity: 'FATAL', retry: 'safe' });
    expect((errors[0] as Error).message).toMatch(/refuses connections/);
    const startedMs = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(DownError);
    expect(performance.now() - startedMs).toBeLessThan(500);
    await Promise.all([pair.primary.start(), pair.standby.start()]);
    await pool.waitForMode('read-write', 1_000);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('connectionTimeoutMillis is respected', async () => {
    const pool = makePool({ hotspare: { hosts: ['127.0.0.1:1'] }, connectionTimeoutMillis: 300 });
    const startedMs = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(DownError);
    expect(performance.now() - startedMs).toBeLessThan(1_500);
    await expect(pool.waitForMode('read-write', 50)).rejects.toMatchObject({ name: 'ModeTimeoutError' });
  });
});

describe('a plain URL', () => {
  test('is plain pg: no discovery, no monitors', async () => {
    const pool = new Pool({ connectionString: pair.primary.url() });
    pools.push(pool);
    expect(pool.mode).toBe('read-write');
    expect((pool as unknown as { Client: unknown }).Client).toBe(pg.Client);
    expect(await port(pool)).toBe(pair.primary.port);
    await expect(pool.read.query("INSERT INTO notes (text) VALUES ('x')")).rejects.toMatchObject({
      code: '25006',
    });
    const monitors = await pair.primary.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
    );
    expect(monitors).toEqual([]);
    const client = await pool.connectTo('primary');
    expect(await port(client)).toBe(pair.primary.port);
    client.release();
  });
});
