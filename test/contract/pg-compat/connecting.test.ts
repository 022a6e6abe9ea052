import type pg from 'pg';
import { describe, expect, test } from 'vitest';
import { Client, Pool, type PoolConfig } from '../../../sidecar/index.js';
import { oneBadConnection } from '../../fakes/one-bad-connection.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { bench, flavours } from './setup.js';

/** The moment of being connected: who hears of what, in which order, and what is left when a session is ended in it. */
const at = bench();
const named = { application_name: 'connecting' };

const noBackend = () =>
  waitFor('the end of its backend', eventuallyMs, async () => {
    const rows = await at.pair.primary.query(
      "SELECT 1 FROM pg_stat_activity WHERE application_name = 'connecting'",
    );
    return rows.length === 0;
  });

/** Writes down answers and events as they come. */
function listen(client: pg.Client) {
  const heard: string[] = [];
  for (const event of ['connect', 'drain', 'error', 'end'])
    client.on(event as 'end', () => heard.push(`<${event}>`));
  const answer = (name: string) => (error?: Error | null) => {
    heard.push(error ? `${name}: ${error.message}` : name);
  };
  const has = (text: string) => waitFor(text, eventuallyMs, () => heard.some((one) => one.includes(text)));
  return { heard, answer, has };
}

describe.each(flavours)('$name: a session that is ended inside its connect callback', (flavour) => {
  const pool = (options: PoolConfig = {}) => at.pool(flavour, { ...named, ...options });

  test('of a client: callback, connect, its end; a query sent before is answered', async () => {
    const client = at.client(flavour, named);
    const { heard, answer, has } = listen(client);
    client.connect(() => {
      heard.push('connected');
      client.query('SELECT 1', answer('query'));
      client.end(answer('ended'));
    });
    await has('<end>');
    expect(heard).toEqual(['connected', '<connect>', 'ended', 'query: Connection terminated', '<end>']);
    await noBackend();
  });

  test('of a pool, with and without the pool itself', async () => {
    const one = pool();
    await new Promise<void>((resolve, reject) => {
      one.connect((error, _, release) => {
        release(true);
        if (error) reject(error);
        else one.end(() => resolve());
      });
    });
    const other = pool();
    await new Promise<void>((resolve) => {
      other.connect((_, client) => {
        (client as pg.PoolClient).release(new Error('not this one'));
        resolve();
      });
    });
    await noBackend();
  });

  test('by `verify`, or by a query that pg does not take', async () => {
    const refused = new Error('not this one');
    const verify = (_: unknown, done: (error: Error) => void) => done(refused);
    await expect(pool({ verify } as PoolConfig).connect()).rejects.toBe(refused);
    await expect(pool().query(null as never)).rejects.toThrow(TypeError);
    await noBackend();
  });

  test('what its callback throws takes nothing from those who wait', async () => {
    const client = at.client(flavour, named);
    const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve));
    const listeners = process.listeners('uncaughtException').slice(0, -1);
    for (const listener of listeners) process.removeListener('uncaughtException', listener);
    try {
      client.connect(() => {
        throw new Error('the app has a mistake');
      });
      expect(await uncaught).toMatchObject({ message: 'the app has a mistake' });
    } finally {
      for (const listener of listeners) process.on('uncaughtException', listener);
    }
    if (flavour.discovery) await client.query('SELECT 1');
  });
});

describe.each(flavours)('$name: the order of things', (flavour) => {
  test('a refused log-in: connect, what was sent, the end', async () => {
    const client = at.client(flavour, { password: 'wrong' });
    const { heard, answer, has } = listen(client);
    client.connect(answer('connect') as () => void);
    client.query('SELECT 1', answer('query'));
    await has('<end>');
    expect(heard.map((text) => text.split(':')[0])).toEqual(['connect', 'query', '<end>']);
  });

  test('end() before it is connected: what was sent is answered, and its connection is closed', async () => {
    const client = at.client(flavour, named);
    const { heard, answer, has } = listen(client);
    client.connect(answer('connect') as () => void);
    client.query('SELECT 1', answer('query'));
    client.end(answer('ended'));
    await has('<end>');
    // On purpose: pg says nothing to `connect` then.
    const connect = flavour.discovery ? ['connect: Connection terminated'] : [];
    expect(new Set(heard)).toEqual(new Set([...connect, 'ended', 'query: Connection terminated', '<end>']));
    expect(heard.at(-1)).toBe('<end>');
    await noBackend();
  });

  test('`Client` is for `new`, the class of a pool as well', () => {
    const pool = at.pool(flavour) as pg.Pool & { Client: typeof pg.Client };
    for (const called of [flavour.Client, pool.Client] as unknown as (() => unknown)[])
      expect(() => called()).toThrow(/^Class constructor \w+ cannot be invoked without 'new'$/);
    class Own extends pool.Client {}
    expect(new Own(at.where(flavour))).toBeInstanceOf(Own);
    expect(new pool.Client(at.where(flavour))).toBeInstanceOf(pool.Client);
  });
});

/** Where pg leaves somebody without an answer, or a session without an owner, on purpose not as pg. */
describe('a client that was ended before `connect`', () => {
  const make = () => at.client(flavours[1]!, named);

  test('what was sent is answered', async () => {
    const client = make();
    const query = client.query('SELECT 1').catch((error: Error) => error.message);
    await client.end();
    expect(await query).toBe('Connection terminated');
  });

  test('does not connect any more', async () => {
    const client = make();
    await client.end();
    await expect(client.connect()).rejects.toThrow('Connection terminated');
    await noBackend();
  });
});

describe('an attempt that fails is seen by nobody', () => {
  test.each([
    ['Client', (config: PoolConfig) => new Client(config)],
    ['connectTo', (config: PoolConfig) => new Pool(config)],
  ])('%s: the first connection ends in its log-in', async (_, make) => {
    // The first is the monitor's.
    const proxy = await oneBadConnection(at.pair.primary, 2, 10);
    const login = {
      user: 'app',
      password: 'app',
      database: 'app',
      hotspare: { ...patient, hosts: [proxy.target] },
    };
    const db = make(login);
    try {
      const heard = db instanceof Client ? listen(db).heard : [];
      const opened = db instanceof Client ? db.connect() : db.connectTo('primary');
      const client = (await opened) as unknown as pg.PoolClient;
      expect((await client.query('SELECT 1 AS n')).rows).toEqual([{ n: 1 }]);
      expect(proxy.closed()).toBe(1);
      if (db instanceof Client) expect(heard).toEqual(['<connect>', '<drain>']);
      else client.release();
    } finally {
      await db.end();
      await proxy.close();
    }
  });
});
