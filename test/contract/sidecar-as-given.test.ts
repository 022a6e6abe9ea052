import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
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
