import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { DownError, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { briefMs, eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { bench, flavours } from './setup.js';

const at = bench();

interface Way {
  readonly name: string;
  /** Where the pool finds a primary by itself: some things then differ, on purpose. */
  readonly discovery: boolean;
  make(options?: PoolConfig): pg.Pool;
}

const ways: Way[] = [
  ...flavours.map((flavour) => ({
    name: `${flavour.name}: Pool`,
    discovery: flavour.discovery,
    make: (options?: PoolConfig) => at.pool(flavour, options),
  })),
  { name: 'hotspare: pool.read', discovery: true, make: (options?: PoolConfig) => at.read(options) },
];

const counts = (pool: pg.Pool) => [pool.totalCount, pool.idleCount, pool.waitingCount, pool.expiredCount];
const names = new Map<object, string>();
/** Clients get names in the order in which they are heard of. */
const nameOf = (client: unknown) => {
  if (client === undefined) return undefined;
  const known = names.get(client as object);
  if (known) return known;
  names.set(client as object, `client ${names.size + 1}`);
  return `client ${names.size}`;
};
function listen(pool: pg.Pool): unknown[][] {
  names.clear();
  const heard: unknown[][] = [];
  for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
    pool.on(event as 'connect', (...args: unknown[]) =>
      heard.push([event, ...args.map((arg) => (arg instanceof pg.Client ? nameOf(arg) : arg))]),
    );
  return heard;
}

describe.each(ways)('$name', ({ discovery, make }) => {
  test('is a pg.Pool, with its defaults', () => {
    const pool = make();
    expect(pool).toBeInstanceOf(pg.Pool);
    expect(pool.options).toMatchObject({
      ...{ max: 10, min: 0, idleTimeoutMillis: 10_000, maxUses: Infinity },
      ...{ allowExitOnIdle: false, maxLifetimeSeconds: 0, user: 'app', database: 'app' },
    });
    expect(counts(pool)).toEqual([0, 0, 0, 0]);
    expect([pool.ending, pool.ended]).toEqual([false, false]);
  });

  test('options hide the password and the key of SSL', () => {
    const pool = make({ ssl: { key: 'very secret key', ca: 'public' } });
    expect(pool.options.password).toBe('app');
    expect((pool.options.ssl as { key: string }).key).toBe('very secret key');
    expect(Object.keys(pool.options)).not.toContain('password');
    expect(JSON.stringify(pool.options)).not.toMatch(/very secret/);
  });

  test('events, their order and arguments; counters', async () => {
    const pool = make({ max: 2 });
    const heard = listen(pool);
    const one = await pool.connect();
    const two = await pool.connect();
    const third = pool.connect();
    expect(counts(pool)).toEqual([2, 0, 1, 0]);
    one.release();
    expect(await third).toBe(one);
    const broken = new Error('broken');
    two.release(broken);
    one.release();
    expect(counts(pool)).toEqual([1, 1, 0, 0]);
    await waitFor('its end', eventuallyMs, () => heard.some(([event]) => event === 'remove'));
    expect(heard).toEqual([
      ['connect', 'client 1'],
      ['acquire', 'client 1'],
      ['connect', 'client 2'],
      ['acquire', 'client 2'],
      ['release', undefined, 'client 1'],
      ['acquire', 'client 1'],
      ['release', broken, 'client 2'],
      ['release', undefined, 'client 1'],
      ['remove', 'client 2'],
    ]);
  });

  test('connect: with a callback, it gets client and release', async () => {
    const pool = make();
    const released = await new Promise<number>((resolve, reject) => {
      const returned: unknown = pool.connect((error, client, release) => {
        if (error || !client) return reject(error!);
        client.query('SELECT 1 AS n', (failure: Error | null, result: pg.QueryResult) => {
          release();
          if (failure) reject(failure);
          else resolve((result.rows[0] as { n: number }).n);
        });
      });
      expect(returned).toBeUndefined();
    });
    expect(released).toBe(1);
    expect(counts(pool)).toEqual([1, 1, 0, 0]);
  });

  test('release: truthy removes, twice throws, the text is the same', async () => {
    const pool = make();
    const client = await pool.connect();
    client.release(true);
    expect(counts(pool)).toEqual([0, 0, 0, 0]);
    const text = 'Release called on client which has already been released to the pool.';
    expect(() => client.release()).toThrow(text);
  });

  test('what is sent without waiting is done before the next user, even if released meanwhile', async () => {
    const pool = make({ max: 1 });
    const client = await pool.connect();
    const slow = client.query("SELECT 'slow' AS w, pg_sleep(0.1)");
    client.release();
    const next = pool.query("SELECT 'next' AS w");
    const order: string[] = [];
    await Promise.all([slow.then(() => order.push('slow')), next.then(() => order.push('next'))]);
    expect(order).toEqual(['slow', 'next']);
    expect(counts(pool)).toEqual([1, 1, 0, 0]);
  });

  test('a failed query removes its session from the pool', async () => {
    const pool = make();
    const heard = listen(pool);
    await expect(pool.query('SELECT nothing')).rejects.toMatchObject({ code: '42703' });
    expect(counts(pool)).toEqual([0, 0, 0, 0]);
    await waitFor('its end', eventuallyMs, () => heard.length === 4);
    expect(heard[2]).toMatchObject(['release', { code: '42703' }, 'client 1']);
    expect(heard[3]).toEqual(['remove', 'client 1']);
  });

  test('end: idle ones at once, checked out ones when released; then it is over', async () => {
    const pool = make();
    const client = await pool.connect();
    await pool.query('SELECT 1');
    const ended = pool.end();
    expect([pool.ending, pool.ended, pool.totalCount]).toEqual([true, false, 1]);
    await expect(pool.end()).rejects.toThrow('Called end on pool more than once');
    const late = 'Cannot use a pool after calling end on the pool';
    await expect(pool.connect()).rejects.toThrow(late);
    await expect(pool.query('SELECT 1')).rejects.toThrow(late);
    expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    client.release();
    await ended;
    expect([pool.ended, ...counts(pool)]).toEqual([true, 0, 0, 0, 0]);
  });

  test('end: with callbacks; a pool never used', async () => {
    const pool = make();
    await new Promise<void>((resolve) => expect(pool.end(resolve)).toBeUndefined());
    const error = await new Promise<unknown>((resolve) => pool.end(resolve as () => void));
    expect(error).toMatchObject({ message: 'Called end on pool more than once' });
    const connecting = await new Promise<unknown>((resolve) => pool.connect((failure) => resolve(failure)));
    expect(connecting).toMatchObject({ message: 'Cannot use a pool after calling end on the pool' });
  });

  test('max: no more than that; connectionTimeoutMillis: how long one waits for a turn', async () => {
    const pool = make({ max: 1, connectionTimeoutMillis: briefMs });
    const client = await pool.connect();
    const text = 'timeout exceeded when trying to connect';
    const queued = pool.connect();
    expect(counts(pool)).toEqual([1, 0, 1, 0]);
    await expect(queued).rejects.toThrow(text);
    await expect(pool.query('SELECT 1')).rejects.toThrow(text);
    client.release();
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    expect(counts(pool)).toEqual([1, 1, 0, 0]);
  });

  test('idleTimeoutMillis and min', async () => {
    const pool = make({ idleTimeoutMillis: 60, min: 1 });
    const clients = await Promise.all([1, 2, 3].map(() => pool.connect()));
    for (const client of clients) client.release();
    expect(counts(pool)).toEqual([3, 3, 0, 0]);
    await waitFor('two to go', eventuallyMs, () => pool.totalCount === 1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    expect(counts(pool)).toEqual([1, 1, 0, 0]);
  });

  test('maxUses', async () => {
    const pool = make({ maxUses: 2, max: 1 });
    const pids = [];
    for (let i = 0; i < 4; i++)
      pids.push((await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]!.pid);
    expect([pids[0] === pids[1], pids[1] === pids[2], pids[2] === pids[3]]).toEqual([true, false, true]);
  });

  test('maxLifetimeSeconds: idle ones when it is over, busy ones when released', async () => {
    const pool = make({ maxLifetimeSeconds: 2, idleTimeoutMillis: 60_000 });
    const busy = await pool.connect();
    await pool.query('SELECT 1');
    expect(counts(pool)).toEqual([2, 1, 0, 0]);
    await waitFor('both to be too old', eventuallyMs, () => pool.expiredCount === 1 && pool.totalCount === 1);
    expect((await busy.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    busy.release();
    expect(counts(pool)).toEqual([0, 0, 0, 0]);
  });

  test('onConnect: awaited before the first use, once per session; its error is the error', async () => {
    const seen: unknown[] = [];
    const pool = make({
      max: 1,
      onConnect: async (client: pg.ClientBase) => {
        await client.query("SET application_name = 'hooked'");
        seen.push(client);
      },
    } as PoolConfig);
    for (let i = 0; i < 2; i++)
      expect((await pool.query('SHOW application_name')).rows).toEqual([{ application_name: 'hooked' }]);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toBeInstanceOf(pg.Client);
    const refusing = make({ onConnect: () => Promise.reject(new Error('not today')) } as PoolConfig);
    await expect(refusing.connect()).rejects.toThrow('not today');
    expect(counts(refusing)).toEqual([0, 0, 0, 0]);
  });

  test("'connect' listeners may prepare the session: what they send goes first", async () => {
    const pool = make();
    pool.on('connect', (client) => void client.query("SET application_name = 'listened'"));
    expect((await pool.query('SHOW application_name')).rows).toEqual([{ application_name: 'listened' }]);
  });

  test('verify: refuses a session', async () => {
    let calls = 0;
    const pool = make({
      verify: (client: pg.ClientBase, done: (error?: Error) => void) => {
        expect(client).toBeInstanceOf(pg.Client);
        calls += 1;
        done(calls === 1 ? new Error('not good enough') : undefined);
      },
    } as PoolConfig);
    await expect(pool.query('SELECT 1')).rejects.toThrow('not good enough');
    await pool.query('SELECT 1');
    await pool.query('SELECT 1');
    expect(calls).toBe(2);
  });

  test("Client: the app's own class is used, its overrides included", async () => {
    class Own extends pg.Client {
      readonly own = true;
      shout(): string {
        return 'here';
      }
    }
    const pool = make({ Client: Own } as unknown as PoolConfig);
    const client = (await pool.connect()) as unknown as Own & pg.PoolClient;
    expect(client).toBeInstanceOf(Own);
    expect([client.own, client.shout()]).toEqual([true, 'here']);
    client.release();
  });

  test('Promise: made by the given class', async () => {
    class Own<T> extends Promise<T> {}
    const pool = make({ Promise: Own } as PoolConfig);
    const made = [pool.query('SELECT 1'), pool.connect(), pool.query('SELECT nothing')];
    for (const promise of made) expect(promise).toBeInstanceOf(Own);
    const [, client] = await Promise.all([
      made[0],
      made[1] as Promise<pg.PoolClient>,
      made[2]!.catch(() => {}),
    ]);
    client!.release();
    const ended = pool.end();
    expect(ended).toBeInstanceOf(Own);
    await ended;
  });

  test('log: hears what the pool does', async () => {
    const heard: unknown[] = [];
    const pool = make({ log: (...messages: unknown[]) => heard.push(messages[0]), max: 1 });
    await pool.query('SELECT 1');
    await pool.query('SELECT 1');
    await pool.end();
    expect(heard).toEqual([
      ...['checking client timeout', 'connecting new client', 'new client connected', 'dispatching query'],
      ...['query dispatched', 'pulse queue', 'no queued requests', 'pulse queue', 'dispatching query'],
      ...['query dispatched', 'pulse queue', 'no queued requests', 'ending', 'pulse queue'],
      'pulse queue on ending',
    ]);
  });

  test('a function as the first argument of query', async () => {
    const pool = make();
    const text = 'Passing a function as the first parameter to pool.query is not supported';
    const query = pool.query.bind(pool) as unknown as (argument: unknown) => unknown;
    expect(await new Promise((resolve) => query(resolve))).toMatchObject({ message: text });
  });

  test("what a query's callback throws is thrown as with pg", async () => {
    const pool = make();
    const thrown = new Promise((resolve) => {
      const [others] = [process.listeners('uncaughtException')];
      process.removeAllListeners('uncaughtException');
      process.once('uncaughtException', (error) => {
        for (const other of others) process.on('uncaughtException', other);
        resolve(error);
      });
    });
    pool.query('SELECT 1', () => {
      throw new Error('from the callback');
    });
    expect(await thrown).toMatchObject({ message: 'from the callback' });
    await waitFor('its session to be back', eventuallyMs, () => pool.idleCount === 1);
  });

  test("an idle session's end: 'error' with the client, and it is removed", async () => {
    const pool = make();
    const heard = listen(pool);
    const errors: unknown[][] = [];
    pool.on('error', (...args: unknown[]) => errors.push(args));
    const { rows } = await pool.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    for (const server of [at.pair.primary, at.pair.standby])
      await server.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = ${rows[0]!.pid} AND usename = 'app'`,
      );
    await waitFor('the pool to hear of it', eventuallyMs, () => errors.length > 0 && pool.totalCount === 0);
    const [error, client] = errors[0]!;
    expect(error).toMatchObject({ code: '57P01', client });
    expect(client).toBeInstanceOf(pg.Client);
    await waitFor('its removal', eventuallyMs, () => heard.at(-1)?.[0] === 'remove');
    expect((await pool.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
    // Only ours lives without a listener: an idle connection's death is expected and dealt with.
    expect(make().listenerCount('error')).toBe(make === ways[0]!.make ? 0 : 1);
  });

  test('may be subclassed', async () => {
    const Base = make().constructor as typeof pg.Pool;
    class Counting extends Base {
      queries = 0;
      override query(...args: unknown[]): never {
        this.queries += 1;
        return (super.query as (...given: unknown[]) => unknown).apply(this, args) as never;
      }
    }
    if (!discovery || Base === (Pool as unknown)) {
      const pool = new Counting(at.where(discovery ? flavours[1]! : flavours[0]!));
      expect((await (pool as pg.Pool).query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(pool.queries).toBe(1);
      await pool.end();
    }
  });

  test('nobody there', async () => {
    const nowhere = discovery ? { hotspare: { hosts: ['127.0.0.1:1'] } } : { host: '127.0.0.1', port: 1 };
    const pool = make({ ...nowhere, connectionTimeoutMillis: briefMs });
    const error = await pool.query('SELECT 1').catch((thrown: unknown) => thrown);
    // On purpose: who knows several members asks them all, and says in one error what came of it.
    if (discovery) expect(error).toBeInstanceOf(DownError);
    else expect(error).toMatchObject({ code: 'ECONNREFUSED' });
    expect(counts(pool)).toEqual([0, 0, 0, 0]);
  });

  test('a wrong password: the words of the server', async () => {
    const pool = make({ password: 'wrong' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01', severity: 'FATAL' });
  });
});
