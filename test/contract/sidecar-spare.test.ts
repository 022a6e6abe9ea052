import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Pool, type PoolConfig } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
});
afterEach(() => Promise.all(pools.splice(0).map((pool) => pool.end())));
afterAll(() => pair.destroy());

function open(name: string, options: PoolConfig = {}): Pool {
  const { primary, standby } = pair;
  const pool = new Pool({
    connectionString: primary.url(),
    application_name: name,
    hotspare: { hosts: [primary, standby].map(({ host, port }) => ({ host, port })), ...patient },
    ...options,
  });
  pools.push(pool);
  return pool;
}

/** Backends of the pool itself on a member; its monitor has another name. */
async function backends(of: RealPostgres, name: string): Promise<number[]> {
  const rows = await of.query('SELECT pid FROM pg_stat_activity WHERE application_name = $1 ORDER BY 1', [
    name,
  ]);
  return rows.map(([pid]) => Number(pid));
}

const one = (of: RealPostgres, name: string) =>
  waitFor(`one session of ${name} on port ${of.port}`, eventuallyMs, async () => {
    const pids = await backends(of, name);
    return pids.length === 1 && pids[0];
  });

describe('the warm spare', () => {
  test('is logged in before it is needed, is no one of the pool, and serves the first query after the loss', async () => {
    const pool = open('spare-used');
    await pool.query('SELECT 1');
    const spare = await one(pair.standby, 'spare-used');
    expect([pool.totalCount, pool.idleCount]).toEqual([1, 1]);
    let connects = 0;
    pool.on('connect', () => connects++);
    await pair.primary.stop();
    await pool.waitForMode('read-only', eventuallyMs);
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect([rows[0]?.pid, connects, pool.totalCount]).toEqual([spare, 1, 1]);
    await expect(pool.query('CREATE TABLE refused (n int)')).rejects.toMatchObject({ code: '25006' });

    await pair.primary.start();
    await pool.waitForMode('read-write', eventuallyMs);
    const back = await pool.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
    expect(back.rows[0]?.standby).toBe(false);
    await waitFor('another spare, and the end of the first', eventuallyMs, async () => {
      const pids = await backends(pair.standby, 'spare-used');
      return pids.length === 1 && pids[0] !== spare;
    });
  });

  test('one that dies is replaced; nobody hears of it', async () => {
    const pool = open('spare-dies');
    const errors: Error[] = [];
    pool.on('error', (error) => errors.push(error));
    await pool.query('SELECT 1');
    const spare = await one(pair.standby, 'spare-dies');
    await pair.standby.query('SELECT pg_terminate_backend($1)', [spare]);
    await waitFor('another spare', eventuallyMs, async () => {
      const [pid] = await backends(pair.standby, 'spare-dies');
      return pid !== undefined && pid !== spare;
    });
    expect(errors).toEqual([]);
    expect(pool.mode).toBe('read-write');
  });

  test('ends with the pool', async () => {
    const pool = open('spare-ends');
    await pool.query('SELECT 1');
    await one(pair.standby, 'spare-ends');
    pools.splice(0);
    await pool.end();
    await waitFor(
      'it to be gone',
      eventuallyMs,
      async () => (await backends(pair.standby, 'spare-ends')).length === 0,
    );
  });

  test('warmSpare: false keeps none', async () => {
    const pool = open('spare-none', { warmSpare: false });
    await pool.query('SELECT 1');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await backends(pair.standby, 'spare-none')).toEqual([]);
  });
});
