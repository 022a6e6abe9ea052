import { setTimeout as delay } from 'node:timers/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Target } from '../../common/names.js';
import {
  Client,
  ConnectionLostError,
  DownError,
  HotspareError,
  OutcomeUnknownError,
  Pool,
  type PoolConfig,
} from '../../sidecar/index.js';
import { silentAfter, StallingProxy } from '../fakes/stalling-proxy.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/**
 * Known ways to get stuck with a pool of Postgres connections. Each is shown twice, at the same time and in the same
 * trouble: with plain pg, which hangs or fails, and with hotspare, which does not.
 */

/** What is promised is 0.8 s for a member that falls silent and 2 s for a connection; a busy test machine gets more. */
const oursWithinMs = 6_000;
/** How much longer plain pg is watched than ours took. */
const bareForMs = 1_500;

type Outcome =
  { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'error'; readonly error: unknown };
const outcomeOf = (work: Promise<unknown>): Promise<Outcome> =>
  work.then(
    (value) => ({ kind: 'value', value }),
    (error: unknown) => ({ kind: 'error', error }),
  );

/** The outcome of ours in bounded time, and proof that plain pg had none until well after that. */
async function onlyBareIsStuck(bare: Promise<unknown>, ours: Promise<unknown>): Promise<Outcome> {
  const [plain, own] = [outcomeOf(bare), outcomeOf(ours)];
  const settled = await Promise.race([own, delay(oursWithinMs, 'stuck' as const)]);
  if (settled === 'stuck') throw new Error(`ours did not settle within ${oursWithinMs} ms`);
  expect(await Promise.race([plain, delay(bareForMs, 'stuck')])).toBe('stuck');
  return settled;
}

const failure = (outcome: Outcome): unknown => {
  if (outcome.kind === 'error') return outcome.error;
  throw new Error(`should have failed, but gave ${JSON.stringify(outcome.value)}`);
};
const success = (outcome: Outcome): unknown => {
  if (outcome.kind === 'value') return outcome.value;
  throw outcome.error;
};

let pair: PostgresPair;
const cleanUps: (() => unknown)[] = [];
const login = { user: 'app', password: 'app', database: 'app' };
const at = ({ host, port }: Target): Target => ({ host, port });
const quiet = <T extends NodeJS.EventEmitter>(emitter: T): T => emitter.on('error', () => {});

beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (n int)');
  await pair.primary.query('GRANT ALL ON notes TO app');
  const [row] = await pair.primary.query('SELECT pg_current_wal_lsn()::text');
  await pair.standby.waitUntilReplayed(String(row![0]));
});
afterAll(() => pair?.destroy());
beforeEach(async () => {
  await waitFor('the standby to follow', 20_000, async () => {
    const [row] = await pair.primary.query('SELECT count(*)::int FROM pg_stat_replication');
    return row?.[0] === 1;
  });
});
afterEach(async () => {
  pair.primary.thaw();
  pair.standby.thaw();
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

const ended = (item: { ending?: boolean; end(): Promise<void> }) =>
  item.ending ? undefined : item.end().catch(() => {});

function barePool(target: Target = pair.primary, options: pg.PoolConfig = {}): pg.Pool {
  const pool = quiet(new pg.Pool({ ...login, ...at(target), ...options }));
  cleanUps.push(() => void ended(pool));
  return pool;
}

function ourPool(hosts: Target[] = [pair.primary, pair.standby], options: PoolConfig = {}): Pool {
  const pool = new Pool({ ...login, hotspare: { hosts: hosts.map(at) }, ...options });
  cleanUps.push(() => ended(pool));
  return pool;
}

async function bothProven(pool: Pool): Promise<void> {
  await pool.query('SELECT 1');
  await waitFor('both members proven', 5_000, () => pool.topology.replicas.length === 1);
}

const portSql = 'SELECT inet_server_port() AS port';
const port = async (db: Pick<pg.Pool, 'query'>) => (await db.query<{ port: number }>(portSql)).rows[0]!.port;

describe('a dead session back in the pool', () => {
  test.each(['promise', 'callback'])('after a query_timeout, released without an error (%s)', async (way) => {
    await pair.primary.query('SELECT 1');
    const holder = quiet(new pg.Client(pair.primary.url('postgres')));
    await holder.connect();
    cleanUps.push(() => holder.end());
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
    const [bare, ours] = [barePool(pair.primary, { max: 1 }), ourPool(undefined, { max: 1 })];
    expect(success(await onlyBareIsStuck(afterTimeout(bare), afterTimeout(ours)))).toBe(pair.primary.port);
    await holder.query('SELECT pg_advisory_unlock(7)');
  });

  test('a statement that timed out and was answered after all leaves its session in the pool', async () => {
    const pool = ourPool(undefined, { max: 1 });
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
    expect(await failures(barePool(pair.primary, { max: 1 }))).toBeGreaterThan(0);
    expect(await failures(ourPool(undefined, { max: 1 }))).toBe(0);
  });
});

describe('a frozen server', () => {
  test('who waits for a turn gets one, and the answer of the replica', async () => {
    const [bare, ours] = [barePool(pair.primary, { max: 1 }), ourPool(undefined, { max: 1 })];
    await bothProven(ours);
    const heldBy = async (pool: pg.Pool) => {
      const client = quiet(await pool.connect());
      return () =>
        client.query('SELECT 1').then(
          () => client.release(),
          (error: Error) => {
            client.release(error);
            throw error;
          },
        );
    };
    const holders = await Promise.all([heldBy(bare), heldBy(ours)]);
    pair.primary.freeze();
    const [bareHeld, ourHeld] = holders.map((hold) => outcomeOf(hold()));
    expect(success(await onlyBareIsStuck(port(bare), port(ours)))).toBe(pair.standby.port);
    expect(failure((await ourHeld)!)).toBeInstanceOf(OutcomeUnknownError);
    void bareHeld;
  });

  test('who waits for a turn gets one even if the dead session is never released', async () => {
    const [bare, ours] = [barePool(pair.primary, { max: 1 }), ourPool(undefined, { max: 1 })];
    await bothProven(ours);
    quiet(await bare.connect());
    const held = await ours.connect();
    pair.primary.freeze();
    expect(success(await onlyBareIsStuck(port(bare), port(ours)))).toBe(pair.standby.port);
    held.release();
  });

  /** Prepared in good times; what it returns is run on the frozen server. */
  const works: Record<string, (pool: pg.Pool) => Promise<() => Promise<unknown>>> = {
    'pool.query on an idle session': async (pool) => {
      await pool.query('SELECT 1');
      return () => pool.query('SELECT 1');
    },
    'pool.query with a callback': async (pool) => {
      await pool.query('SELECT 1');
      return () =>
        new Promise((resolve, reject) =>
          pool.query('SELECT 1', (error: Error | undefined, result: pg.QueryResult) =>
            error ? reject(error) : resolve(result),
          ),
        );
    },
    'a transaction, in the middle': async (pool) => {
      const client = quiet(await pool.connect());
      await client.query('BEGIN');
      await client.query('INSERT INTO notes VALUES (1)');
      return async () => {
        try {
          await client.query('INSERT INTO notes VALUES (2)');
          await client.query('COMMIT');
        } catch (error) {
          await client.query('ROLLBACK').catch(() => {});
          throw error;
        } finally {
          client.release();
        }
      };
    },
    COMMIT: async (pool) => {
      const client = quiet(await pool.connect());
      await client.query('BEGIN');
      await client.query('INSERT INTO notes VALUES (1)');
      return () => client.query('COMMIT').finally(() => client.release());
    },
    'a cursor, read in the middle and closed': async (pool) => {
      const client = quiet(await pool.connect());
      const cursor = client.query(new Cursor('SELECT generate_series(1, 1000000)'));
      await cursor.read(1);
      return async () => {
        try {
          await cursor.read(1_000);
        } finally {
          await cursor.close();
          client.release();
        }
      };
    },
    'a cursor that is closed': async (pool) => {
      const client = quiet(await pool.connect());
      const cursor = client.query(new Cursor('SELECT generate_series(1, 1000000)'));
      await cursor.read(1);
      return async () => {
        await cursor.close();
        client.release();
        throw new Error('closed');
      };
    },
    'a stream of rows, in a loop': async (pool) => {
      const client = quiet(await pool.connect());
      const stream = client.query(
        new QueryStream('SELECT generate_series(1, 1000000)', [], { highWaterMark: 10 }),
      );
      const rows = stream[Symbol.asyncIterator]();
      await rows.next();
      return async () => {
        try {
          while (!(await rows.next()).done);
        } finally {
          client.release();
        }
      };
    },
    'COPY FROM, in the middle': async (pool) => {
      const client = quiet(await pool.connect());
      const copy = client.query(copyFrom('COPY notes FROM STDIN'));
      await new Promise((resolve) => copy.write('1\n', resolve));
      return () => pipeline(Readable.from(['2\n', '3\n']), copy).finally(() => client.release());
    },
    'queries one behind the other': async (pool) => {
      const client = quiet(await pool.connect());
      return async () => {
        const all = [1, 2, 3].map((n) => client.query('SELECT $1::int', [n]));
        await Promise.allSettled(all);
        client.release();
        await all[0];
      };
    },
  };

  test.each(Object.keys(works))('%s: an error in time, and the next query is answered', async (name) => {
    const [bare, ours] = [barePool(), ourPool()];
    await bothProven(ours);
    const [runBare, runOurs] = await Promise.all([works[name]!(bare), works[name]!(ours)]);
    pair.primary.freeze();
    const outcome = await onlyBareIsStuck(runBare!(), runOurs!());
    if (outcome.kind === 'error' && (outcome.error as Error).message !== 'closed')
      expect(outcome.error).toBeInstanceOf(HotspareError);
    expect(await port(ours)).toBe(pair.standby.port);
    expect(ours.totalCount).toBe(ours.idleCount);
  });

  test('pool.transaction, and retried on nobody in vain', async () => {
    const ours = ourPool();
    await bothProven(ours);
    let frozen = false;
    const outcome = outcomeOf(
      ours.transaction(
        async (client) => {
          if (!frozen) pair.primary.freeze();
          frozen = true;
          await client.query('INSERT INTO notes VALUES (3)');
        },
        { retry: 2 },
      ),
    );
    // There is no primary to repeat it on.
    expect(failure(await outcome)).toMatchObject({ code: '25006', retry: 'safe' });
  });

  test('pool.connect, with no session there yet', async () => {
    const [bare, ours] = [barePool(), ourPool(undefined, { warmSpare: false })];
    await bothProven(ours);
    await ours.connect();
    pair.primary.freeze();
    const connect = async (pool: pg.Pool) => {
      const client = await pool.connect();
      const answered = await port(client);
      client.release();
      return answered;
    };
    expect(success(await onlyBareIsStuck(connect(bare), connect(ours)))).toBe(pair.standby.port);
  });

  test('pool.end, with a query under way', async () => {
    const [bare, ours] = [barePool(), ourPool()];
    await bothProven(ours);
    const work = async (pool: pg.Pool) => {
      const client = quiet(await pool.connect());
      return () => client.query('SELECT 1').finally(() => client.release());
    };
    const started = await Promise.all([work(bare), work(ours)]);
    pair.primary.freeze();
    for (const run of started) void outcomeOf(run());
    success(await onlyBareIsStuck(bare.end(), ours.end()));
  });

  test('Client: end, a query, and connect', async () => {
    const makeBare = () => {
      const client = quiet(new pg.Client({ ...login, ...at(pair.primary) }));
      cleanUps.push(() => void ended(client));
      return client;
    };
    const makeOurs = () => {
      const client = new Client({ ...login, hotspare: { hosts: [pair.primary, pair.standby].map(at) } });
      cleanUps.push(() => ended(client));
      return client;
    };
    const bare = [makeBare(), makeBare(), makeBare()] as const;
    const ours = [makeOurs(), makeOurs(), makeOurs()] as const;
    await Promise.all([bare[0].connect(), bare[1].connect(), ours[0].connect(), ours[1].connect()]);
    pair.primary.freeze();
    success(await onlyBareIsStuck(bare[0].end(), ours[0].end()));
    expect(
      failure(await onlyBareIsStuck(bare[1].query('SELECT 1'), ours[1].query('SELECT 1'))),
    ).toMatchObject({
      name: expect.stringMatching(/OutcomeUnknownError|ConnectionLostError/) as string,
    });
    // A Client wants the primary, and there is only a replica.
    const connecting = await onlyBareIsStuck(bare[2].connect(), ours[2].connect());
    expect(failure(connecting)).toMatchObject({ name: 'ReadOnlyError', code: '25006' });
    await ours[2].end();
  });

  test("a client that listens hears 'error' and 'end'", async () => {
    const bare = new pg.Client({ ...login, ...at(pair.primary), keepAlive: true });
    const ours = new Client({ ...login, hotspare: { hosts: [pair.primary, pair.standby].map(at) } });
    cleanUps.push(
      () => void ended(bare),
      () => ended(ours),
    );
    const heard = async (client: pg.Client) => {
      const events: string[] = [];
      const over = new Promise((resolve) => client.once('end', resolve));
      client.on('error', () => events.push('error'));
      await client.connect();
      await client.query('LISTEN news');
      return async () => {
        await over;
        return events;
      };
    };
    const [bareHears, oursHears] = await Promise.all([heard(bare), heard(ours)]);
    pair.primary.freeze();
    expect(success(await onlyBareIsStuck(bareHears!(), oursHears!()))).toContain('error');
  });

  test('pool.read: a frozen replica costs nobody an error', async () => {
    const [bare, ours] = [barePool(pair.standby), ourPool()];
    await bothProven(ours);
    await Promise.all([bare.query('SELECT 1'), ours.read.query('SELECT 1')]);
    pair.standby.freeze();
    expect(success(await onlyBareIsStuck(port(bare), port(ours.read)))).toBe(pair.primary.port);
  });
});

describe('a peer with bad manners', () => {
  let proxy: StallingProxy;
  beforeEach(async () => {
    proxy = await StallingProxy.before(pair.primary);
    // Before the pools are ended: what hangs on it is let go.
    cleanUps.push(() => proxy.close());
  });

  test('accepts connections and never answers the start-up packet', async () => {
    proxy.fault = { kind: 'silent' };
    const ours = ourPool([proxy, pair.standby]);
    expect(success(await onlyBareIsStuck(port(barePool(proxy)), port(ours)))).toBe(pair.standby.port);
    const alone = ourPool([proxy]);
    expect(failure(await onlyBareIsStuck(port(barePool(proxy)), port(alone)))).toBeInstanceOf(DownError);
    const [bare, client] = [
      quiet(new pg.Client({ ...login, ...proxy.target })),
      new Client({ ...login, hotspare: { hosts: [proxy.target] } }),
    ];
    expect(failure(await onlyBareIsStuck(bare.connect(), client.connect()))).toBeInstanceOf(DownError);
    await client.end();
  });

  test.each([1, 9, 30, 300])('logs in for %i bytes, and stops', async (afterBytes) => {
    proxy.fault = { kind: 'stall', afterBytes };
    const ours = ourPool([proxy, pair.standby]);
    expect(success(await onlyBareIsStuck(port(barePool(proxy)), port(ours)))).toBe(pair.standby.port);
  });

  test('never answers the request for SSL', async () => {
    proxy.fault = { kind: 'silent' };
    const ssl = { rejectUnauthorized: false };
    const ours = ourPool([proxy], { ssl });
    expect(failure(await onlyBareIsStuck(port(barePool(proxy, { ssl })), port(ours)))).toBeInstanceOf(
      DownError,
    );
  });

  test('agrees to SSL and does not go on', async () => {
    const ssl = { rejectUnauthorized: false };
    const speaker = await silentAfter('S');
    cleanUps.push(() => speaker.close());
    const ours = ourPool([speaker.target], { ssl });
    expect(
      failure(await onlyBareIsStuck(port(barePool(speaker.target, { ssl })), port(ours))),
    ).toBeInstanceOf(DownError);
  });

  test.each([1, 9, 30, 300])('closes the connection %i bytes into the log-in', async (afterBytes) => {
    proxy.fault = { kind: 'close', afterBytes };
    await expect(port(barePool(proxy))).rejects.toThrow('Connection terminated unexpectedly');
    expect(await port(ourPool([proxy, pair.standby]))).toBe(pair.standby.port);
    const error = await port(ourPool([proxy])).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DownError);
  });

  test.each([3, 40, 5_000])('sends %i bytes of an answer, and stops', async (afterBytes) => {
    const [bare, ours] = [barePool(proxy), ourPool([proxy, pair.standby])];
    await Promise.all([bare.query('SELECT 1'), bothProven(ours)]);
    proxy.fault = { kind: 'stall', afterBytes };
    const long = "SELECT repeat('x', 100000)";
    expect(failure(await onlyBareIsStuck(bare.query(long), ours.query(long)))).toBeInstanceOf(
      OutcomeUnknownError,
    );
    expect(await port(ours)).toBe(pair.standby.port);
  });
});

describe('a pool that is ended', () => {
  test('tells those who wait for a turn', async () => {
    const [bare, ours] = [barePool(pair.primary, { max: 1 }), ourPool(undefined, { max: 1 })];
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
    const proxy = await StallingProxy.before(pair.primary);
    cleanUps.push(() => proxy.close());
    proxy.fault = { kind: 'silent' };
    const bare = quiet(new pg.Client({ ...login, ...proxy.target }));
    const ours = new Client({ ...login, hotspare: { hosts: [proxy.target] } });
    const [bareConnects, oursConnects] = [bare.connect(), ours.connect()];
    const connecting = onlyBareIsStuck(bareConnects, oursConnects);
    await Promise.all([bare.end(), ours.end()]);
    expect(failure(await connecting)).toMatchObject({ message: 'Connection terminated' });
  });

  test('and what was sent before fails', async () => {
    const ours = new Client({ ...login, hotspare: { hosts: [at(pair.primary)] } });
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
