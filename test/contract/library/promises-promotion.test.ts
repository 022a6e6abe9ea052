import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PoolClient } from 'pg';
import { Pool, type Mode } from '../../../sidecar/index.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** One story in order: the spare is promoted while the old primary lives on, and nobody stops that one. */
let pair: PostgresPair;
let pool: Pool;
/** Open on either server since before the promotion. */
let onOld: PoolClient;
let onSpare: PoolClient;
const modes: Mode[] = [];
const config = () => ({
  user: 'app',
  password: 'app',
  database: 'app',
  hotspare: { hosts: [pair.primary, pair.standby].map(({ host, port }) => ({ host, port })), ...patient },
});
const notes = async (server: PostgresPair['primary'], text: string) => {
  const [row] = await server.query('SELECT count(*)::int FROM notes WHERE text = $1', [text]);
  return row![0];
};

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (text text)');
  await pair.primary.query('GRANT ALL ON notes TO app');
  await pair.caughtUp();
  pool = new Pool(config());
  await pool.query('SELECT 1');
  await waitFor('both members proven', eventuallyMs, () => pool.topology.replicas.length === 1);
  pool.on('mode', (mode) => modes.push(mode));
  onOld = await pool.connect();
  await onOld.query('BEGIN');
  await onOld.query("INSERT INTO notes VALUES ('open on the old primary')");
  onSpare = await pool.connectTo('replica');
  await onSpare.query('BEGIN');
  await onSpare.query('SELECT 1');
  await pair.standby.promote();
});
afterAll(async () => {
  await pool?.end();
  await pair?.destroy();
});

test('writes follow the higher timeline, without a moment of read-only, and none goes to the old primary', async () => {
  await waitFor(
    'the promoted one as primary',
    eventuallyMs,
    () => pool.topology.primary?.port === pair.standby.port,
  );
  await Promise.all(Array.from({ length: 30 }, () => pool.query("INSERT INTO notes VALUES ('after')")));
  expect([await notes(pair.standby, 'after'), await notes(pair.primary, 'after')]).toEqual([30, 0]);
  expect([pool.mode, modes]).toEqual(['read-write', []]);
});

test('a transaction that the standby began before goes on being read-only; the next one is not', async () => {
  await expect(onSpare.query("INSERT INTO notes VALUES ('too early')")).rejects.toMatchObject({
    name: 'ReadOnlyError',
    retry: 'safe',
  });
  await onSpare.query('ROLLBACK');
  await onSpare.query("INSERT INTO notes VALUES ('on the same session')");
  onSpare.release();
  expect(await notes(pair.standby, 'on the same session')).toBe(1);
});

test('a transaction open on the old primary ends there, and its session serves nobody after that', async () => {
  await onOld.query('COMMIT');
  onOld.release();
  const text = 'open on the old primary';
  expect([await notes(pair.primary, text), await notes(pair.standby, text)]).toEqual([1, 0]);
  const { rows } = await pool.query('SELECT inet_server_port() AS port');
  expect(rows).toEqual([{ port: pair.standby.port }]);
});
