import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { ConnectionLostError } from '../../../sidecar/index.js';
import { StallingProxy } from '../../fakes/stalling-proxy.js';
import { failure, onlyBareIsStuck, outcomeOf, port, quiet, success, trouble } from './setup.js';

/** Traps of pg-pool and of pg.Client that need no more than a moment. */
const on = trouble();

describe('a dead session back in the pool', () => {
  test.each(['promise', 'callback'])('after a query_timeout, released without an error (%s)', async (way) => {
    await on.pair.primary.query('SELECT 1');
    const holder = quiet(new pg.Client(on.pair.primary.url('postgres')));
    await holder.connect();
    on.after(() => holder.end());
    await holder.query('SELECT pg_advisory_lock(7)');
    const afterTimeout = async (pool: pg.Pool) => {
      const client = await pool.connect();
      const query = { text: 'SELECT pg_advisory_lock(7)', query_timeout: 100 };
      const timedOut = await new Promise<Error>((resolve, reject) => {
        if (way === 'promise') {
          client.query(query).then(reject, (error: Error) => {
            client.release();
            resolve(error);
          });
        } else
          client.query(query as unknown as string, [], (error: Error) => {
            client.release();
            resolve(error);
          });
      });
      expect(timedOut.message).toBe('Query read timeout');
      return port(pool);
    };
    const [bare, ours] = [on.barePool(on.pair.primary, { max: 1 }), on.ourPool(undefined, { max: 1 })];
    expect(success(await onlyBareIsStuck(afterTimeout(bare), afterTimeout(ours)))).toBe(on.pair.primary.port);
    await holder.query('SELECT pg_advisory_unlock(7)');
  });

  test('a statement that timed out and was answered after all leaves its session in the pool', async () => {
    const pool = on.ourPool(undefined, { max: 1 });
    const client = await pool.connect();
    const { processID } = client as unknown as { processID: number };
    const query = { text: 'SELECT pg_sleep(0.2)', query_timeout: 50 } as pg.QueryConfig;
    await expect(client.query(query)).rejects.toThrow('Query read timeout');
    await client.query('SELECT 1');
    client.release();
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    expect(rows[0]!.pid).toBe(processID);
  });

  test('after 57P01, released at once', async () => {
    const rounds = 10;
    const failures = async (pool: pg.Pool) => {
      let failed = 0;
      for (let round = 0; round < rounds; round++) {
        const client = quiet(await pool.connect());
        await client.query('SELECT pg_terminate_backend(pg_backend_pid())').catch(() => client.release());
        await pool.query('SELECT 1').catch(() => (failed += 1));
      }
      return failed;
    };
    expect(await failures(on.barePool(on.pair.primary, { max: 1 }))).toBeGreaterThan(0);
    expect(await failures(on.ourPool(undefined, { max: 1 }))).toBe(0);
  });
});

describe('a pool that is ended', () => {
  test('tells those who wait for a turn', async () => {
    const [bare, ours] = [on.barePool(on.pair.primary, { max: 1 }), on.ourPool(undefined, { max: 1 })];
    const clients = await Promise.all([bare.connect(), ours.connect()]);
    const waiting = [bare, ours].map((pool) => pool.query('SELECT 1'));
    for (const query of waiting) void outcomeOf(query);
    const endings = [bare, ours].map((pool) => pool.end());
    for (const client of clients) client.release();
    await Promise.all(endings);
    expect(failure(await onlyBareIsStuck(waiting[0]!, waiting[1]!))).toMatchObject({
      message: 'Cannot use a pool after calling end on the pool',
    });
  });
});

describe('a client that is ended while it connects', () => {
  test('connect rejects, end resolves', async () => {
    const proxy = await StallingProxy.before(on.pair.primary);
    on.after(() => proxy.close());
    proxy.fault = { kind: 'silent' };
    const bare = on.bareClient(proxy);
    const ours = on.ourClient([proxy]);
    const [bareConnects, oursConnects] = [bare.connect(), ours.connect()];
    const connecting = onlyBareIsStuck(bareConnects, oursConnects);
    await Promise.all([bare.end(), ours.end()]);
    expect(failure(await connecting)).toMatchObject({ message: 'Connection terminated' });
  });

  test('and what was sent before fails', async () => {
    const ours = on.ourClient([on.pair.primary]);
    const query = outcomeOf(ours.query('SELECT 1'));
    const connecting = outcomeOf(ours.connect());
    await ours.end();
    expect([failure(await connecting), failure(await query)]).toMatchObject([
      { message: 'Connection terminated' },
      { message: 'Connection terminated' },
    ]);
    await expect(ours.query('SELECT 1')).rejects.toBeInstanceOf(ConnectionLostError);
  });
});
