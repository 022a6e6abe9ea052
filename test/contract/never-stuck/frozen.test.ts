import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import QueryStream from 'pg-query-stream';
import { beforeAll, describe, expect, test } from 'vitest';
import { HotspareError, OutcomeUnknownError } from '../../../sidecar/index.js';
import { failure, onlyBareIsStuck, outcomeOf, port, quiet, success, trouble, type Outcome } from './setup.js';

/** All processes of a server stopped (SIGSTOP): its kernel goes on accepting what is sent, and nobody answers. */
const on = trouble();

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

describe('in the middle of work on a server that freezes', () => {
  const outcomes = new Map<string, { outcome: Outcome | Error; next: unknown; counts: number[] }>();

  // One freeze for all of them: they are watched side by side.
  beforeAll(async () => {
    const all = await Promise.all(
      Object.entries(works).map(async ([name, prepare]) => {
        const [bare, ours] = [on.barePool(), on.ourPool()];
        await on.bothProven(ours);
        const [runBare, runOurs] = await Promise.all([prepare(bare), prepare(ours)]);
        return { name, ours, runBare, runOurs };
      }),
    );
    on.pair.primary.freeze();
    await Promise.all(
      all.map(async ({ name, ours, runBare, runOurs }) => {
        const outcome = await onlyBareIsStuck(runBare(), runOurs()).catch((error: unknown) => error as Error);
        const next = await port(ours).catch((error: unknown) => error);
        outcomes.set(name, { outcome, next, counts: [ours.totalCount, ours.idleCount] });
      }),
    );
    await on.cleanUp();
  });

  test.each(Object.keys(works))('%s: an error in time, and the next query is answered', (name) => {
    const { outcome, next, counts } = outcomes.get(name)!;
    if (outcome instanceof Error) throw outcome;
    const error = failure(outcome) as Error;
    if (error.message !== 'closed') expect(error).toBeInstanceOf(HotspareError);
    expect(next).toBe(on.pair.standby.port);
    expect(counts[0]).toBe(counts[1]);
  });
});

describe('a frozen server', () => {
  test('who waits for a turn gets one, and the answer of the replica', async () => {
    const [bare, ours] = [on.barePool(on.pair.primary, { max: 1 }), on.ourPool(undefined, { max: 1 })];
    await on.bothProven(ours);
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
    on.pair.primary.freeze();
    const [bareHeld, ourHeld] = holders.map((hold) => outcomeOf(hold()));
    expect(success(await onlyBareIsStuck(port(bare), port(ours)))).toBe(on.pair.standby.port);
    expect(failure((await ourHeld)!)).toBeInstanceOf(OutcomeUnknownError);
    void bareHeld;
  });

  test('who waits for a turn gets one even if the dead session is never released', async () => {
    const [bare, ours] = [on.barePool(on.pair.primary, { max: 1 }), on.ourPool(undefined, { max: 1 })];
    await on.bothProven(ours);
    quiet(await bare.connect());
    const held = await ours.connect();
    on.pair.primary.freeze();
    expect(success(await onlyBareIsStuck(port(bare), port(ours)))).toBe(on.pair.standby.port);
    held.release();
  });

  test('pool.transaction, and retried on nobody in vain', async () => {
    const ours = on.ourPool();
    await on.bothProven(ours);
    let frozen = false;
    const outcome = outcomeOf(
      ours.transaction(
        async (client) => {
          if (!frozen) on.pair.primary.freeze();
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
    const [bare, ours] = [on.barePool(), on.ourPool(undefined, { warmSpare: false })];
    await on.bothProven(ours);
    await ours.connect();
    on.pair.primary.freeze();
    const connect = async (pool: pg.Pool) => {
      const client = await pool.connect();
      const answered = await port(client);
      client.release();
      return answered;
    };
    expect(success(await onlyBareIsStuck(connect(bare), connect(ours)))).toBe(on.pair.standby.port);
  });

  test('pool.end, with a query under way', async () => {
    const [bare, ours] = [on.barePool(), on.ourPool()];
    await on.bothProven(ours);
    const work = async (pool: pg.Pool) => {
      const client = quiet(await pool.connect());
      return () => client.query('SELECT 1').finally(() => client.release());
    };
    const started = await Promise.all([work(bare), work(ours)]);
    on.pair.primary.freeze();
    for (const run of started) void outcomeOf(run());
    success(await onlyBareIsStuck(bare.end(), ours.end()));
  });

  test('Client: end, a query, and connect', async () => {
    const bare = [on.bareClient(), on.bareClient(), on.bareClient()] as const;
    const ours = [on.ourClient(), on.ourClient(), on.ourClient()] as const;
    await Promise.all([bare[0].connect(), bare[1].connect(), ours[0].connect(), ours[1].connect()]);
    on.pair.primary.freeze();
    const [ending, querying, connecting] = await Promise.all([
      onlyBareIsStuck(bare[0].end(), ours[0].end()),
      onlyBareIsStuck(bare[1].query('SELECT 1'), ours[1].query('SELECT 1')),
      onlyBareIsStuck(bare[2].connect(), ours[2].connect()),
    ]);
    success(ending);
    expect(failure(querying)).toBeInstanceOf(OutcomeUnknownError);
    // A Client wants the primary, and there is only a replica.
    expect(failure(connecting)).toMatchObject({ name: 'ReadOnlyError', code: '25006' });
    await ours[2].end();
  });

  test("a client that listens hears 'error' and 'end'", async () => {
    const [bare, ours] = [on.bareClient(undefined, { keepAlive: true }), on.ourClient()];
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
    on.pair.primary.freeze();
    expect(success(await onlyBareIsStuck(bareHears!(), oursHears!()))).toContain('error');
  });

  test('pool.read: a frozen replica costs nobody an error', async () => {
    const [bare, ours] = [on.barePool(on.pair.standby), on.ourPool()];
    await on.bothProven(ours);
    await Promise.all([bare.query('SELECT 1'), ours.read.query('SELECT 1')]);
    on.pair.standby.freeze();
    expect(success(await onlyBareIsStuck(port(bare), port(ours.read)))).toBe(on.pair.primary.port);
  });
});
