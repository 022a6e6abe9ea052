import type pg from 'pg';
import { connect, Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { Client, DownError, Pool, type PoolConfig } from '../../sidecar/index.js';
import { sleep } from '../../common/clock.js';
import { systemClock } from '../../common/runtime/clock.js';
import { directTlsBefore } from '../fakes/tls-terminator.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { certify } from '../support/programs/tls.js';
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
  await pair.caughtUp();
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

describe('what is slow on our own side of a log-in is not the silence of a server', () => {
  /** With the default timings: a heartbeat's answer is waited for 0.55 s, a session 2 s. */
  const withDefaults = (options: PoolConfig) => makePool({ ...options, hotspare: { hosts: members() } });

  /** How often it was asked, and how many of the questions were open at the same time. */
  function slowPassword(delayMs: number) {
    const asked = { times: 0, open: 0, most: 0 };
    const password = async () => {
      asked.times += 1;
      asked.most = Math.max(asked.most, ++asked.open);
      await sleep(systemClock, delayMs);
      asked.open -= 1;
      return 'app';
    };
    return { asked, password };
  }

  test.each([
    ['', 900, {}],
    [', more than a connect may take', 2_500, {}],
    [' and connectionTimeoutMillis', 900, { connectionTimeoutMillis: 10_000 }],
  ])('a password that takes its time%s', async (_, delayMs, options) => {
    const { password, asked } = slowPassword(delayMs);
    const pool = withDefaults({ ...options, password, warmSpare: false });
    const reading = pool.waitForMode('read-write', eventuallyMs);
    await reading;
    expect(asked).toMatchObject({ times: 1, most: 1 });
    expect(await answers(pool)).toEqual([{ one: 1 }]);
    expect(await answers(pool.read)).toEqual([{ one: 1 }]);
    await bothProven(pool);
    const client = new Client({ user: 'app', database: 'app', password, hotspare: { hosts: members() } });
    await client.connect();
    await client.end();
  });

  test('connectionTimeoutMillis bounds the whole, the password included, also when it never comes', async () => {
    const never = () => new Promise<string>(() => {});
    for (const password of [slowPassword(5_000).password, never]) {
      const pool = withDefaults({ password, connectionTimeoutMillis: 1_000 });
      const startedMs = performance.now();
      await expect(pool.query('SELECT 1')).rejects.toThrow(DownError);
      expect(performance.now() - startedMs).toBeLessThan(4_000);
    }
  });

  test('sessions that end together while the password takes its time: the member stays what it is', async () => {
    const { password } = slowPassword(900);
    const pool = withDefaults({ password, warmSpare: false });
    await answers(pool);
    await bothProven(pool);
    const heard: string[] = [];
    pool.on('mode', (mode) => heard.push(mode));
    await terminateAll();
    await sleep(systemClock, 100);
    expect(await answers(pool)).toEqual([{ one: 1 }]);
    expect(heard).toEqual([]);
  });

  /** A socket whose names take their time. */
  function slowLookup(delayMs: number): Socket {
    const socket = new Socket();
    const plain = socket.connect.bind(socket) as (options: object) => Socket;
    const lookup = (_: string, __: object, done: (error: null, found: object[]) => void) =>
      setTimeout(done, delayMs, null, [{ address: '127.0.0.1', family: 4 }]);
    socket.connect = ((port: number) => plain({ port, host: 'somewhere.test', lookup })) as never;
    return socket;
  }

  /** A stream of an app's own, with nothing more than pg needs, which takes its time to connect. */
  class Tunnel extends Duplex {
    #inner: Socket | undefined;
    connect(port: number, host: string): void {
      setTimeout(() => {
        this.#inner = connect(port, host, () => this.emit('connect'));
        this.#inner.on('data', (bytes) => this.push(bytes));
        this.#inner.on('error', (error) => this.destroy(error));
        this.#inner.on('close', () => this.destroy());
      }, 900);
    }
    setNoDelay(): void {}
    setKeepAlive(): void {}
    ref(): void {}
    override _read(): void {}
    override _write(bytes: Buffer, _: string, done: () => void): void {
      this.#inner!.write(bytes, done);
    }
    override _final(done: () => void): void {
      this.#inner?.end();
      done();
    }
    override _destroy(error: Error | null, done: (error: Error | null) => void): void {
      this.#inner?.destroy();
      done(error);
    }
  }

  test.each([
    ['the look-up of a name', () => slowLookup(900)],
    ['a stream of the app', () => new Tunnel()],
  ])('%s that takes its time', async (_, stream) => {
    const pool = withDefaults({ stream: stream as never, warmSpare: false });
    expect(await answers(pool)).toEqual([{ one: 1 }]);
    expect(pool.mode).toBe('read-write');
  });

  test('with fake timers installed before the first query, as a test of an app may', async () => {
    const pool = withDefaults({});
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'setImmediate', 'Date', 'performance'],
    });
    try {
      expect(await answers(pool)).toEqual([{ one: 1 }]);
      expect(await answers(pool.read)).toEqual([{ one: 1 }]);
    } finally {
      vi.useRealTimers();
    }
  });
});
