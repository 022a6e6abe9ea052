import type pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Pool, type PoolConfig } from '../../sidecar/index.js';
import { directTlsBefore } from '../fakes/tls-terminator.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { certify } from '../support/tls.js';
import { waitFor } from '../support/wait.js';

/** How sessions, and the monitors beside them, come to log in. */
let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
});
afterAll(() => pair?.destroy());
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
  await pair.primary.administer(["ALTER ROLE app PASSWORD 'app'"]);
});

const members = () => [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));

function makePool(options: PoolConfig): Pool {
  const pool = new Pool({ user: 'app', password: 'app', database: 'app', ...options });
  pools.push(pool);
  return pool;
}

const routed = (options: PoolConfig = {}, hosts: pg.ConnectionConfig['host'] | object[] = members()) =>
  makePool({ ...options, hotspare: { hosts: hosts as never, ...patient, ...options.hotspare } });

const bothProven = (pool: Pool) =>
  waitFor(
    'both members',
    eventuallyMs,
    () => pool.mode === 'read-write' && pool.topology.replicas.length === 1,
  );

/** Everything that the role has open ends, on both servers. */
async function terminateAll(): Promise<void> {
  const sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'";
  await Promise.all([pair.primary.query(sql), pair.standby.query(sql)]);
}

async function changePassword(to: string): Promise<void> {
  await pair.primary.administer([`ALTER ROLE app PASSWORD '${to}'`]);
  const [row] = await pair.primary.query('SELECT pg_current_wal_lsn()::text');
  await pair.standby.waitUntilReplayed(String(row![0]));
}

const answers = async (queryable: Pick<pg.Pool, 'query'>) => (await queryable.query('SELECT 1 AS one')).rows;

test('a password that changes while the pool lives: every kind of session logs in with the new one', async () => {
  const pool = routed({ idleTimeoutMillis: 1 });
  await answers(pool);
  await answers(pool.read);
  await bothProven(pool);
  await changePassword('new');
  pool.options.password = 'new';
  await terminateAll();
  await waitFor('both kinds of sessions again', eventuallyMs, async () =>
    Promise.all([answers(pool), answers(pool.read)]).then(
      () => true,
      () => false,
    ),
  );
  await bothProven(pool);
  const own = await pool.connectTo('replica');
  expect(await answers(own as never)).toEqual([{ one: 1 }]);
  own.release();
  expect(await answers(pool.readAfter(await pool.readToken()))).toEqual([{ one: 1 }]);
});

test('the same with a plain connection: read and connectTo use what the pool would use', async () => {
  const { host, port } = pair.primary;
  const pool = makePool({ host, port, idleTimeoutMillis: 1 });
  await answers(pool.read);
  await changePassword('new');
  pool.options.password = 'new';
  await terminateAll();
  await waitFor('a new session to read', eventuallyMs, () =>
    answers(pool.read).then(
      () => true,
      () => false,
    ),
  );
  const own = await pool.connectTo('primary');
  expect(await answers(own as never)).toEqual([{ one: 1 }]);
  own.release();
});

test('an option set on pool.read itself counts for pool.read alone', async () => {
  const pool = routed();
  (pool.read as pg.Pool).options.application_name = 'reports';
  const name = async (queryable: Pick<pg.Pool, 'query'>) =>
    (await queryable.query<{ application_name: string }>('SHOW application_name')).rows[0]!.application_name;
  expect([await name(pool.read), await name(pool)]).toEqual(['reports', '']);
});

test.each(['in the URL', 'as an option'])('TLS from the first byte on, asked for %s', async (where) => {
  const proxy = await directTlsBefore(pair.primary, certify(['DNS:localhost']));
  const login =
    where === 'in the URL'
      ? { connectionString: 'postgres://app:app@db/app?sslmode=no-verify&sslnegotiation=direct' }
      : { ssl: { rejectUnauthorized: false }, sslnegotiation: 'direct' as const };
  const pool = routed(login, [proxy.target]);
  expect(await answers(pool)).toEqual([{ one: 1 }]);
  await pool.end();
  pools.length = 0;
  await proxy.close();
});

test('a monitor has a name of its own and none of the limits of statements, wherever they are set', async () => {
  const url = 'postgres://app:app@db/app?application_name=mine&statement_timeout=1234&lock_timeout=1234';
  const pool = routed({ connectionString: url, query_timeout: 4321, warmSpare: false });
  const { rows } = await pool.query<{ n: string; s: string }>(
    "SELECT current_setting('application_name') n, current_setting('statement_timeout') s",
  );
  expect(rows).toEqual([{ n: 'mine', s: '1234ms' }]);
  const monitors = await pair.primary.query(
    "SELECT application_name FROM pg_stat_activity WHERE usename = 'app' AND pid <> pg_backend_pid() ORDER BY 1",
  );
  expect(monitors.flat()).toEqual(['hotspare-monitor', 'mine']);
});
