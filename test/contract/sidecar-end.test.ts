import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Target } from '../../common/names.js';
import { DownError, Pool, type PoolConfig } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgres, type RealPostgres } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** `connectTo` and `waitForMode` of a pool that ends, with discovery and without. */
let postgres: RealPostgres;
/** Takes connections, and never says a word. */
let silent: Server;
const held = new Set<Socket>();
const pools: Pool[] = [];

beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres?.destroy());
beforeEach(async () => {
  silent = createServer((socket) => {
    held.add(socket);
    // Read, or its end would not be heard.
    socket.resume();
    socket.on('error', () => {});
    socket.on('close', () => held.delete(socket));
  });
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  for (const socket of held) socket.destroy();
  await new Promise((resolve) => silent.close(resolve));
  await Promise.all(pools.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

const at = ({ host, port }: Target): Target => ({ host, port });
const nowhere = (): Target => ({ host: '127.0.0.1', port: (silent.address() as AddressInfo).port });
const ended = new DownError('the pool was ended');

const login = { user: 'app', password: 'app', database: 'app' };
const kinds: [string, () => PoolConfig][] = [
  ['with discovery', () => ({ ...login, hotspare: { ...patient, hosts: [at(postgres)] } })],
  ['plain', () => ({ connectionString: postgres.url() })],
];

describe.each(kinds)('connectTo, %s', (_, config) => {
  const poolOf = () => {
    const pool = new Pool(config());
    pools.push(pool);
    return pool;
  };

  test('a member that never answers: end() gives it up, and waits for nothing', async () => {
    const pool = poolOf();
    await pool.query('SELECT 1');
    const outcome = pool.connectTo(nowhere()).catch((error: unknown) => error);
    await waitFor('the connection', eventuallyMs, () => held.size === 1);
    await pool.end();
    expect(await outcome).toEqual(ended);
    await waitFor('the end of the connection', eventuallyMs, () => held.size === 0);
  });

  test('a log-in on its way: end() gives it up', async () => {
    const pool = poolOf();
    await pool.query('SELECT 1');
    const outcomes = [at(postgres), 'primary' as const].map((wanted) =>
      pool.connectTo(wanted).catch((error: unknown) => error),
    );
    await pool.end();
    expect(await Promise.all(outcomes)).toEqual([ended, ended]);
    await waitFor('the end of its sessions', eventuallyMs, async () => {
      const rows = await postgres.query("SELECT 1 FROM pg_stat_activity WHERE usename = 'app'");
      return rows.length === 0;
    });
  });

  test('after end(), and while end() waits for a session: nobody gets one', async () => {
    const pool = poolOf();
    const client = await pool.connectTo(at(postgres));
    const ending = pool.end();
    for (const wanted of [at(postgres), 'primary', 'replica'] as const)
      await expect(pool.connectTo(wanted)).rejects.toThrow(ended);
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
    await ending;
    for (const wanted of [at(postgres), 'primary', 'replica'] as const)
      await expect(pool.connectTo(wanted)).rejects.toThrow(ended);
  });

  test('waitForMode: end() rejects all who wait, however many they are', async () => {
    const warnings: Error[] = [];
    const warned = (warning: Error) => warnings.push(warning);
    process.on('warning', warned);
    const pool = poolOf();
    await pool.query('SELECT 1');
    const waiting = Array.from({ length: 40 }, (_, i) =>
      pool.waitForMode('down', i % 2 ? Infinity : 3_000_000_000).catch((error: unknown) => error),
    );
    // What they add would be warned of by now.
    await new Promise(setImmediate);
    expect(pool.listenerCount('mode')).toBe(0);
    await pool.end();
    for (const outcome of await Promise.all(waiting)) expect(outcome).toEqual(ended);
    process.removeListener('warning', warned);
    expect(warnings.filter(({ name }) => name === 'MaxListenersExceededWarning')).toEqual([]);
  });
});

test("a plain pool's connectTo goes elsewhere with all else that its URL says", async () => {
  const elsewhere = new URL(postgres.url());
  elsewhere.port = '1';
  elsewhere.search = '?application_name=notes&options=-c%20work_mem%3D7MB&statement_timeout=54321';
  const pool = new Pool({ connectionString: elsewhere.href });
  pools.push(pool);
  const client = await pool.connectTo(at(postgres));
  const { rows } = await client.query(
    `SELECT current_user AS "user", current_database() AS "database", inet_server_port() AS port,
       current_setting('application_name') AS name, current_setting('work_mem') AS memory,
       current_setting('statement_timeout') AS timeout`,
  );
  client.release();
  expect(rows).toEqual([
    { user: 'app', database: 'app', port: postgres.port, name: 'notes', memory: '7MB', timeout: '54321ms' },
  ]);
});
