import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';
import { patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';

/** Apps that do with sessions, strings of statements and transactions what they had better not: nothing is done twice. */
let pair: PostgresPair;
const pools: Pool[] = [];
const login = { user: 'app', password: 'app', database: 'app' };

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.administer(
    ['CREATE TABLE notes (text text)', 'GRANT ALL ON notes TO app', 'GRANT pg_signal_backend TO app'],
    'app',
  );
  await pair.caughtUp();
});
beforeEach(() => pair.primary.query('TRUNCATE notes'));
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});
afterAll(() => pair?.destroy());

function open(members: ('primary' | 'standby')[], config: PoolConfig = {}): Pool {
  const hosts = members.map((name) => ({ host: pair[name].host, port: pair[name].port }));
  const pool = new Pool({ ...login, ...config, hotspare: { hosts, ...patient } });
  pools.push(pool);
  return pool;
}
function openPlain(query = ''): Pool {
  const pool = new Pool({ connectionString: `${pair.primary.url()}${query}` });
  pools.push(pool);
  return pool;
}
const notes = async () => (await pair.primary.query('SELECT text FROM notes')).map(([text]) => text);
const hangUp = 'SELECT pg_terminate_backend(pg_backend_pid())';

describe('several statements in one string, refused as a whole', () => {
  const write = "BEGIN; INSERT INTO notes VALUES ('no'); COMMIT";

  test.each([
    ['pool, on a replica', () => open(['standby'], { max: 1 })],
    ['pool.read', () => open(['standby'], { max: 1 }).read],
    ['pool.read on the primary', () => open(['primary'], { max: 1 }).read],
  ])('%s: the next user of the pool finds no aborted transaction', async (_name, db) => {
    const pool = db();
    await expect(pool.query(write)).rejects.toMatchObject({ name: 'ReadOnlyError' });
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });

  test('a single one leaves its session in the pool', async () => {
    const pool = open(['standby'], { max: 1 });
    const pid = async () => (await pool.query('SELECT pg_backend_pid() AS pid')).rows[0].pid as number;
    const before = await pid();
    await expect(pool.query("INSERT INTO notes VALUES ('no')")).rejects.toMatchObject({ code: '25006' });
    expect(await pid()).toBe(before);
  });
});

describe('pool.read, talked into writing on the primary', () => {
  test.each([
    ['a transaction', "BEGIN READ WRITE; INSERT INTO notes VALUES ('once'); COMMIT"],
    ['the setting', "SET default_transaction_read_only = off; COMMIT; INSERT INTO notes VALUES ('once')"],
    [
      'the setting, by a function',
      "SELECT set_config('default_transaction_read_only', 'off', false); COMMIT; INSERT INTO notes VALUES ('once')",
    ],
  ])('%s: done once, and said to be unknown when the connection is lost', async (_name, sql) => {
    const pool = open(['primary']);
    await expect(pool.read.query(`${sql}; COMMIT; ${hangUp}`)).rejects.toMatchObject({
      name: 'OutcomeUnknownError',
      retry: 'unknown',
    });
    expect(await notes()).toEqual(['once']);
  });

  test('its session serves nobody after that', async () => {
    const pool = open(['primary'], { max: 1 });
    await pool.read.query('SET default_transaction_read_only = off');
    await expect(pool.read.query("INSERT INTO notes VALUES ('no')")).rejects.toMatchObject({ code: '25006' });
    const client = await pool.read.connect();
    await client.query('BEGIN');
    await client.query("SELECT set_config('default_transaction_read_only', 'off', false)");
    await client.query('COMMIT');
    client.release();
    await expect(pool.read.query("INSERT INTO notes VALUES ('no')")).rejects.toMatchObject({ code: '25006' });
    expect(await notes()).toEqual([]);
  });

  test('a plain connection with options in its URL only reads as well', async () => {
    const pool = openPlain('?options=-c%20search_path%3Dpublic');
    for (const read of [pool.read, pool.readAfter(null)])
      await expect(read.query("INSERT INTO notes VALUES ('no')")).rejects.toMatchObject({ code: '25006' });
    expect((await pool.read.query('SHOW search_path')).rows).toEqual([{ search_path: 'public' }]);
  });
});

describe('pool.transaction', () => {
  const counted = async (
    pool: Pool,
    fn: Parameters<Pool['transaction']>[0],
    retry: boolean | number = true,
  ) => {
    let runs = 0;
    const error: unknown = await pool
      .transaction(
        (client) => {
          runs += 1;
          return fn(client);
        },
        { retry },
      )
      .catch((thrown: unknown) => thrown);
    return { runs, error };
  };

  test("another session's unknown outcome is not repeated", async () => {
    const pool = open(['primary']);
    const elsewhere = `INSERT INTO notes VALUES ('once'); COMMIT; ${hangUp}`;
    expect(await counted(pool, () => pool.query(elsewhere))).toMatchObject({
      runs: 1,
      error: { name: 'OutcomeUnknownError' },
    });
    expect(await notes()).toEqual(['once']);
  });

  test('nor is what the function waited for in vain, or a pool that is down', async () => {
    const pool = open(['primary']);
    const wait = () => pool.waitForMode('read-only', 10);
    expect(await counted(pool, wait)).toMatchObject({ runs: 1, error: { name: 'ModeTimeoutError' } });
  });

  test('its own loss is', async () => {
    const pool = open(['primary']);
    const lossy = async (client: { query(sql: string): Promise<unknown> }) => {
      await client.query("INSERT INTO notes VALUES ('never')");
      await client.query(hangUp);
    };
    expect(await counted(pool, lossy, 2)).toMatchObject({ runs: 3, error: { name: 'OutcomeUnknownError' } });
    expect(await notes()).toEqual([]);
  });

  test('a refused write is not while there is no primary, and nothing to wait for', async () => {
    const pool = open(['standby']);
    const write = (client: { query(sql: string): Promise<unknown> }) =>
      client.query("INSERT INTO notes VALUES ('no')");
    expect(await counted(pool, write)).toMatchObject({ runs: 1, error: { name: 'ReadOnlyError' } });
  });

  test.each([Number.NaN, -1, 'yes', null])('retry: %s is refused', async (retry) => {
    const pool = open(['primary']);
    expect(await counted(pool, async () => {}, retry as never)).toMatchObject({
      runs: 0,
      error: { name: 'ConfigError', key: 'retry' },
    });
  });

  test('on a plain connection, its loss is an error and not the end of the process', async () => {
    const pool = openPlain();
    const [row] = await pair.primary.query(
      "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'app'",
    );
    expect(row).toEqual([0]);
    const { runs, error } = await counted(pool, async (client) => {
      const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      const ended = new Promise((resolve) => client.once('end', resolve));
      await pair.primary.query('SELECT pg_terminate_backend($1)', [rows[0]!.pid]);
      await ended;
      await client.query('SELECT 1');
    });
    expect([runs, error]).toEqual([1, expect.any(Error)]);
    expect((await pool.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
  });
});
