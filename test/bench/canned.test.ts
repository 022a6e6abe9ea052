import pg from 'pg';
import { expect, test } from 'vitest';
import { CannedServer } from '../../bench/cpu/canned.js';
import { calls } from '../../bench/cpu/contestant.js';
import { Pool } from '../../sidecar/index.js';

const options = { user: 'bench', max: 2, stream: () => new CannedServer() as never };
const target = { host: '127.0.0.1', port: 5432 };

test.each([
  ['bare pg', () => new pg.Pool({ ...options, ...target })],
  ['hotspare', () => new Pool({ ...options, hotspare: { hosts: [target], cacheFile: false } })],
])('canned answers serve %s in all that the CPU benchmark sends', async (_name, make) => {
  const pool = make();
  const client = await pool.connect();
  const { rows } = (await calls["pool.query('SELECT 1')"](pool)) as pg.QueryResult;
  expect(rows).toEqual([{ c0: '1' }]);
  for (const call of Object.values(calls)) {
    const { rowCount } = await call(pool, client);
    expect(rowCount).toBe(1);
  }
  if (pool instanceof Pool) expect(pool.mode).toBe('read-write');
  client.release();
  await pool.end();
});
