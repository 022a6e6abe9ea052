import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseReadToken } from '../../sidecar/core/history/read-token.js';
import { Pool, type PoolConfig } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** Statements are sent as they were given, and our own questions mean what we mean by them. */
let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.administer(
    [
      'CREATE TABLE notes (id int, text text)',
      'GRANT ALL ON notes TO app',
      'INSERT INTO notes VALUES (1), (2)',
    ],
    'app',
  );
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});
afterAll(() => pair?.destroy());

function makePool(options: PoolConfig = {}): Pool {
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  const login = { user: 'app', password: 'app', database: 'app' };
  const pool = new Pool({ ...login, hotspare: { hosts, ...patient }, ...options });
  pools.push(pool);
  return pool;
}

describe('objects of the caller that are used again', () => {
  const insert = 'INSERT INTO notes VALUES (3, $1) RETURNING text';

  test('a read', async () => {
    const { read } = makePool();
    const values = [1];
    const listed = read.query('SELECT $1::int AS id', values);
    const config = { text: 'SELECT $1::int AS id', values: [1] };
    const configured = read.query(config);
    values[0] = 2;
    config.values[0] = 2;
    config.text = 'SELECT 3 AS id';
    for (const { rows } of await Promise.all([listed, configured])) expect(rows).toEqual([{ id: 1 }]);
  });

  test('a write that waits for the primary; a callback', async () => {
    const pool = makePool({ writeWaitMs: eventuallyMs });
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    pair.primary.kill();
    await pool.waitForMode('read-only', eventuallyMs);
    const values = ['first'];
    const config = { text: insert, values: ['first'] };
    const answers = [
      pool.query(insert, values),
      pool.query(config),
      new Promise((resolve, reject) => {
        pool.query(insert, values, (error: Error | undefined, result) =>
          error ? reject(error) : resolve(result),
        );
      }),
    ];
    // Sent once, and refused.
    await pool.query('SELECT 1');
    values[0] = config.values[0] = 'second';
    config.text = 'SELECT 3';
    await pair.primary.start();
    for (const answer of await Promise.all(answers))
      expect(answer).toMatchObject({ rows: [{ text: 'first' }] });
  });

  test('a member for connectTo', async () => {
    const pool = makePool();
    await pool.waitForMode('read-write', eventuallyMs);
    const { host, port } = pair.standby;
    const member = { host, port };
    const opened = pool.connectTo(member);
    member.port = 1;
    const client = await opened;
    expect((await client.query('SELECT inet_server_port() AS port')).rows).toEqual([{ port }]);
    client.release();
  });
});

describe('a schema that comes before pg_catalog', () => {
  /** What our questions call by name, each with another answer. */
  const shadows = [
    'CREATE SCHEMA evil',
    'CREATE TYPE evil.text AS (a int)',
    'CREATE DOMAIN evil.bool AS int',
    'CREATE DOMAIN evil.int8 AS pg_catalog.text',
    ...Object.entries({
      'pg_is_in_recovery()': 'boolean|NOT pg_catalog.pg_is_in_recovery()',
      'pg_current_wal_lsn()': "pg_lsn|'0/1'::pg_lsn",
      'pg_current_wal_insert_lsn()': "pg_lsn|'0/1'::pg_lsn",
      'pg_last_wal_replay_lsn()': "pg_lsn|'0/1'::pg_lsn",
      'pg_last_wal_receive_lsn()': "pg_lsn|'0/1'::pg_lsn",
      'pg_walfile_name(pg_lsn)': "pg_catalog.text|'000000FF0000000000000001'",
      'pg_last_xact_replay_timestamp()': "timestamptz|'2000-01-01'::timestamptz",
      'clock_timestamp()': "timestamptz|'2040-01-01'::timestamptz",
      'substr(pg_catalog.text, int, int)': "pg_catalog.text|'000000FF'",
      'current_setting(pg_catalog.text)': "pg_catalog.text|'off'",
      'minus(timestamptz, timestamptz)': "interval|'1000 years'::interval",
      'times(int, numeric)': 'numeric|99999999::numeric',
      'times(int, float8)': 'float8|99999999::float8',
      'joined(pg_catalog.text, pg_catalog.text)': "pg_catalog.text|'x000000FF'",
    }).map(([name, answer]) => {
      const [type, body] = answer.split('|');
      return `CREATE FUNCTION evil.${name} RETURNS ${type} LANGUAGE sql AS $$ SELECT ${body} $$`;
    }),
    'CREATE FUNCTION evil.pg_control_system(OUT system_identifier bigint) LANGUAGE sql AS $$ SELECT 1::bigint $$',
    'CREATE FUNCTION evil.pg_control_checkpoint(OUT timeline_id int) LANGUAGE sql AS $$ SELECT 255 $$',
    'CREATE FUNCTION evil.pg_control_recovery(OUT min_recovery_end_timeline int) LANGUAGE sql AS $$ SELECT 255 $$',
    "CREATE FUNCTION evil.pg_walfile_name_offset(pg_lsn, OUT file_name pg_catalog.text, OUT file_offset int) LANGUAGE sql AS $$ SELECT 'x', 1 $$",
    'CREATE VIEW evil.pg_stat_wal_receiver AS SELECT 255 AS received_tli',
    'CREATE OPERATOR evil.- (FUNCTION = evil.minus, LEFTARG = timestamptz, RIGHTARG = timestamptz)',
    'CREATE OPERATOR evil.* (FUNCTION = evil.times, LEFTARG = int, RIGHTARG = numeric)',
    'CREATE OPERATOR evil.* (FUNCTION = evil.times, LEFTARG = int, RIGHTARG = float8)',
    'CREATE OPERATOR evil.|| (FUNCTION = evil.joined, LEFTARG = pg_catalog.text, RIGHTARG = pg_catalog.text)',
    'GRANT USAGE ON SCHEMA evil TO app',
    "ALTER SYSTEM SET log_statement = 'all'",
    'SELECT pg_catalog.pg_reload_conf()',
  ];

  /** Everything that our questions find out. */
  async function found(pool: Pool) {
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    const { rows } = await pool.read.query<{ port: number }>('SELECT pg_catalog.inet_server_port() AS port');
    const members = pool.topology.members.map(({ port, role, timeline }) => ({ port, role, timeline }));
    const position = parseReadToken(await pool.readToken());
    const { readFrom } = pool.topology;
    const seen = await pool.readAfter(await pool.readToken(), { waitMs: eventuallyMs }).connect();
    const seenOn = (seen as unknown as { role: string }).role;
    seen.release();
    return {
      members,
      read: rows[0]!.port,
      readFrom,
      seenOn,
      ages: pool.dataAgeMs! < eventuallyMs,
      ...position,
      lsn: null,
    };
  }

  test('our questions mean what we mean by them, and no session is told to SET anything', async () => {
    await pair.primary.administer(shadows, 'app');
    const expected = await found(makePool());
    await pair.caughtUp();
    const logged = pair.primary.log().length;
    const pool = makePool({ options: '-c search_path=evil,pg_catalog,public' });
    const { rows } = await pool.query('SELECT pg_is_in_recovery() AS fooled');
    expect(rows).toEqual([{ fooled: true }]);
    expect(await found(pool)).toEqual(expected);
    expect(expected).toMatchObject({ read: pair.standby.port, seenOn: 'replica', timeline: 1, ages: true });
    const statements = pair.primary.log().slice(logged);
    expect(statements).toContain('pg_catalog.pg_is_in_recovery()');
    expect(statements).not.toMatch(/\bset_config\b|(statement|execute [^:]*): *(SET|RESET|DISCARD)\b/i);
  });
});
