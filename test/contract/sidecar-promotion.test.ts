import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { Pool, type Mode } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** One story in order: the primary dies, the spare is promoted, the old primary comes back as if nothing had happened. */
let pair: PostgresPair;
let pool: Pool;
const modes: Mode[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (text text)');
  await pair.primary.query('GRANT ALL ON notes TO app');
  pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    hotspare: {
      hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })),
      heartbeatTimeoutMs: patient.heartbeatTimeoutMs,
    },
  });
  pool.on('mode', (mode) => modes.push(mode));
});
afterAll(async () => {
  await pool?.end();
  await pair?.destroy();
});
afterEach(() => {
  modes.length = 0;
});

const serving = async () => {
  const { rows } = await pool.query('SELECT inet_server_port() AS port, pg_backend_pid() AS pid');
  return rows[0] as { port: number; pid: number };
};
/** Port and timeline of everybody who now says to be primary. */
const primaries = () =>
  pool.topology.members
    .filter(({ role }) => role === 'primary')
    .map(({ port, timeline }) => [port, timeline]);

test('a promoted spare is written to by the sessions it already has', async () => {
  await pool.waitForMode('read-write', eventuallyMs);
  await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
  expect(modes).toEqual(['read-write']);
  pair.primary.kill();
  await pool.waitForMode('read-only', eventuallyMs);
  const before = await serving();
  expect(before.port).toBe(pair.standby.port);
  await pair.standby.promote();
  await pool.waitForMode('read-write', eventuallyMs);
  await pool.query("INSERT INTO notes VALUES ('on the new primary')");
  expect(await serving()).toEqual(before);
  expect(pool.topology).toMatchObject({ primary: { port: pair.standby.port }, replicas: [] });
});

test('a READ ONLY transaction goes on refusing writes after a promotion', async () => {
  const client = await pool.connect();
  await client.query('BEGIN READ ONLY');
  await expect(client.query("INSERT INTO notes VALUES ('never')")).rejects.toMatchObject({ code: '25006' });
  await client.query('ROLLBACK');
  client.release();
});

test('the old primary comes back as a primary: not one write goes to it', async () => {
  await pair.primary.start();
  await waitFor('two primaries', eventuallyMs, () => primaries().length === 2);
  expect(primaries()).toEqual([
    [pair.primary.port, 1],
    [pair.standby.port, 2],
  ]);
  await Promise.all(Array.from({ length: 50 }, () => pool.query("INSERT INTO notes VALUES ('after')")));
  expect((await pair.primary.query("SELECT 1 FROM notes WHERE text = 'after'")).length).toBe(0);
  expect(pool.mode).toBe('read-write');
  expect(modes).toEqual([]);
});

test('nor when the new one is gone, and nor by a session of its own', async () => {
  pair.standby.kill();
  await pool.waitForMode('down', eventuallyMs);
  expect(pool.modeReason).toMatch(/calls itself primary, but timeline 2 was seen elsewhere/);
  await expect(pool.query("INSERT INTO notes VALUES ('lost')")).rejects.toMatchObject({ code: '57P03' });
  await expect(pool.connectTo('primary')).rejects.toMatchObject({ code: '57P03' });
  // Somebody who knows what they want may still look at it.
  const old = await pool.connectTo({ host: pair.primary.host, port: pair.primary.port });
  expect((await old.query('SELECT text FROM notes')).rows).toEqual([]);
  old.release();
  await pair.standby.start();
  await pool.waitForMode('read-write', eventuallyMs);
  expect((await serving()).port).toBe(pair.standby.port);
});
