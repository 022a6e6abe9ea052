import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  DownError,
  OutcomeUnknownError,
  Pool,
  ReadOnlyError,
  type Mode,
  type PoolConfig,
} from '../../sidecar/index.js';
import { defaultTimings } from '../../sidecar/config/timings.js';
import { Gate } from '../support/gate.js';
import { briefMs, eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (id serial PRIMARY KEY, text text)');
  await pair.primary.query('GRANT ALL ON notes, notes_id_seq TO app');
  await pair.caughtUp();
});
afterAll(() => pair?.destroy());

const hosts = () => [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));

function makePool({ hotspare: timings, ...options }: PoolConfig = {}): Pool {
  const pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    ...options,
    hotspare: { hosts: hosts(), ...patient, ...timings },
  });
  pools.push(pool);
  return pool;
}

function plainPool(options: pg.PoolConfig): Pool {
  const { host, port } = pair.primary;
  const pool = new Pool({ host, port, ...options });
  pools.push(pool);
  return pool;
}

const port = async (queryable: Pick<pg.Pool, 'query'>) =>
  (await queryable.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

beforeEach(async () => {
  // A test that failed in the middle leaves them as they were.
  await Promise.all([pair.primary.start(), pair.standby.start()]);
  await waitFor('the standby to follow', eventuallyMs, async () => {
    const rows = await pair.primary.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'");
    return rows.length > 0;
  });
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

/** Asks `pool` first: it knows nobody before its first query. */
async function bothProven(pool: Pool): Promise<void> {
  await pool.query('SELECT 1');
  await waitFor(
    'both members proven',
    eventuallyMs,
    () => pool.mode === 'read-write' && pool.topology.replicas.length === 1,
  );
}

/** Everything on `pool`, one after the other, until it answers from the standby. */
async function untilFromStandby(pool: Pool): Promise<void> {
  await waitFor(
    'an answer from the standby',
    eventuallyMs,
    async () => (await port(pool)) === pair.standby.port,
    1,
  );
}

describe('in good times', () => {
  test('pool works on the primary, pool.read on the replica and cannot write', async () => {
    const pool = makePool();
    expect(pool).toBeInstanceOf(pg.Pool);
    expect(pool.read).toBeInstanceOf(pg.Pool);
    expect(pool.mode).toBe('down');
    expect(await port(pool)).toBe(pair.primary.port);
    expect(pool.mode).toBe('read-write');
    await pool.waitForMode('read-write', 1);
    await waitFor('both members proven', eventuallyMs, () => pool.topology.replicas.length === 1);
    expect(await port(pool.read)).toBe(pair.standby.port);
    const { rows } = await pool.read.query('SHOW default_transaction_read_only');
    expect(rows).toEqual([{ default_transaction_read_only: 'on' }]);
    await expect(pool.read.query('INSERT INTO notes (text) VALUES (1)')).rejects.toMatchObject({
      name: 'ReadOnlyError',
      code: '25006',
      severity: 'ERROR',
      retry: 'safe',
      cause: { code: '25006' },
    });
    await waitFor(
      'the age of the data',
      eventuallyMs,
      () => pool.dataAgeMs !== null && pool.dataAgeMs < 1_000,
    );
    expect(pool.topology.members.map(({ role }) => role).sort()).toEqual(['primary', 'replica']);
  });

  test('a session given up in the middle of its log-in does not disturb the next attempt', async () => {
    // The primary often proves itself first; then the replica does, and pool.read turns to it at once.
    for (let round = 0; round < 30; round++) {
      const pool = makePool({ password: async () => 'app' });
      await Promise.all([1, 2, 3].map(() => pool.read.query('SELECT 1')));
      await pool.end();
    }
  });

  test("the user's own options go on working beside ours", async () => {
    const pool = makePool({ options: '-c search_path=elsewhere', application_name: 'mine', max: 3 });
    const { rows } = await pool.read.query(
      "SELECT current_setting('search_path') s, current_setting('application_name') a",
    );
    expect(rows).toEqual([{ s: 'elsewhere', a: 'mine' }]);
    expect(pool.options.max).toBe(3);
    expect((pool.read as pg.Pool).options.max).toBe(3);
  });

  test('counters and events are those of pg-pool', async () => {
    const pool = makePool({ max: 2 });
    const heard: string[] = [];
    for (const event of ['connect', 'acquire', 'release', 'remove'] as const)
      pool.on(event, () => heard.push(event));
    const one = await pool.connect();
    const two = await pool.connect();
    const third = pool.connect();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 0, 1]);
    one.release();
    (await third).release();
    two.release();
    expect([pool.totalCount, pool.idleCount, pool.waitingCount]).toEqual([2, 2, 0]);
    expect(heard).toEqual([
      ...['connect', 'acquire', 'connect', 'acquire'],
      ...['release', 'acquire', 'release', 'release'],
    ]);
    await pool.end();
    await waitFor(
      'both to be removed',
      eventuallyMs,
      () => heard.filter((event) => event === 'remove').length === 2,
    );
    await expect(pool.query('SELECT 1')).rejects.toThrow('after calling end');
    await expect(pool.end()).rejects.toThrow('more than once');
  });

  test('callbacks, configs, parameters, events and Submittables', async () => {
    const pool = makePool();
    const viaCallback = await new Promise((resolve, reject) =>
      pool.query('SELECT $1::int AS n', [7], (error, result) =>
        error ? reject(error) : resolve(result.rows),
      ),
    );
    expect(viaCallback).toEqual([{ n: 7 }]);
    const noValues = await new Promise((resolve, reject) =>
      pool.query('SELECT 8 AS n', (error: Error, result: pg.QueryResult) =>
        error ? reject(error) : resolve(result.rows),
      ),
    );
    expect(noValues).toEqual([{ n: 8 }]);
    expect((await pool.query({ text: 'SELECT 9 AS n', rowMode: 'array' })).rows).toEqual([[9]]);
    const named = { name: 'ten', text: 'SELECT $1::int AS n', values: [10] };
    for (let i = 0; i < 3; i++) expect((await pool.query(named)).rows).toEqual([{ n: 10 }]);
    const client = await pool.connect();
    const rows: unknown[] = [];
    await new Promise((resolve, reject) => {
      const query = client.query(new pg.Query('SELECT generate_series(1, 3) AS n'));
      query.on('row', (row) => rows.push(row));
      query.on('error', reject as never);
      query.on('end', resolve as never);
    });
    expect(rows).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    client.release();
    await expect(pool.query('SELECT nonsense')).rejects.toMatchObject({ code: '42703' });
    await expect(pool.query(null as never)).rejects.toThrow(TypeError);
  });

  test('connectTo gives sessions of their own', async () => {
    const pool = makePool({ max: 1 });
    const held = await pool.connect();
    for (const [wanted, expected] of [
      ['primary', pair.primary.port],
      ['replica', pair.standby.port],
      [{ host: pair.standby.host, port: pair.standby.port }, pair.standby.port],
    ] as const) {
      const client = await pool.connectTo(wanted);
      expect(await port(client)).toBe(expected);
      client.release();
      expect(() => client.release()).toThrow('already been released');
    }
    held.release();
  });

  test('transaction commits, rolls back, and repeats what Postgres asks to repeat', async () => {
    const pool = makePool();
    const count = async () => (await pool.query('SELECT count(*)::int AS n FROM notes')).rows[0].n;
    const before = await count();
    expect(
      await pool.transaction(async (client) => {
        await client.query("INSERT INTO notes (text) VALUES ('a')");
        return 'done';
      }),
    ).toBe('done');
    await expect(
      pool.transaction(async (client) => {
        await client.query("INSERT INTO notes (text) VALUES ('b')");
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await count()).toBe(before + 1);
    let runs = 0;
    await pool.transaction(
      async () => {
        runs += 1;
        if (runs < 3) throw Object.assign(new Error('serialization'), { code: '40001' });
      },
      { retry: true },
    );
    expect(runs).toBe(3);
    await expect(
      pool.transaction(async (client) => {
        await client.query('SELECT nonsense').catch(() => {});
      }),
    ).rejects.toThrow('rolled back');
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('a serialization failure that is the answer to COMMIT is repeated', async () => {
    const pool = makePool();
    await pool.query(
      "CREATE TABLE duty (name text, on_duty boolean); INSERT INTO duty VALUES ('a', true), ('b', true)",
    );
    const leave = async (client: pg.ClientBase, name: string) => {
      await client.query('SET TRANSACTION ISOLATION LEVEL SERIALIZABLE');
      const { rows } = await client.query('SELECT name FROM duty WHERE on_duty');
      if (rows.length > 1) await client.query('UPDATE duty SET on_duty = false WHERE name = $1', [name]);
    };
    const colleague = async () => {
      const other = await pool.connect();
      await other.query('BEGIN');
      await leave(other, 'b');
      return other;
    };
    const run = async (retry: boolean) => {
      await pool.query('UPDATE duty SET on_duty = true');
      let runs = 0;
      const done = pool.transaction(
        async (client) => {
          const other = runs++ === 0 ? await colleague() : null;
          await leave(client, 'a');
          // All statements have succeeded: only COMMIT is left to fail.
          await other?.query('COMMIT');
          other?.release();
        },
        { retry },
      );
      return { runs: () => runs, done };
    };
    const once = await run(false);
    await expect(once.done).rejects.toMatchObject({ code: '40001', message: expect.stringMatching(/./) });
    const twice = await run(true);
    await twice.done;
    expect([once.runs(), twice.runs()]).toEqual([1, 2]);
    expect((await pool.query('SELECT name FROM duty WHERE on_duty')).rows).toEqual([{ name: 'a' }]);
    expect(pool.idleCount).toBe(pool.totalCount);
  });

  test('COMMIT sent and not answered: the outcome is unknown, and nothing is repeated', async () => {
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const [inCommit] = gates;
    await pair.primary.query(`
      CREATE TABLE slow (n int);
      GRANT ALL ON slow TO app;
      CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM ${sql}; RETURN NULL; END';
      CREATE CONSTRAINT TRIGGER slowly AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION slowly()`);
    const routed = () => makePool();
    const plain = (own: pg.PoolConfig = {}) =>
      plainPool({ ...own, user: 'app', password: 'app', database: 'app' });
    const terminate = async () => {
      const [pid] = await inCommit.arrivals();
      await pair.primary.query('SELECT pg_terminate_backend($1)', [pid]);
    };
    const cases: [() => Pool, () => Promise<void>][] = [
      [routed, terminate],
      [plain, terminate],
      // Long enough for all that comes before COMMIT.
      [() => plain({ query_timeout: 2_000 }), async () => {}],
    ];
    for (const [make, during] of cases) {
      const pool = make();
      let runs = 0;
      const done = pool.transaction(
        async (client) => {
          runs += 1;
          await client.query('INSERT INTO slow VALUES (1)');
        },
        { retry: true },
      );
      const outcome = expect(done).rejects.toMatchObject({
        name: 'OutcomeUnknownError',
        code: '08007',
        retry: 'unknown',
      });
      await Promise.all([outcome, during()]);
      expect(runs).toBe(1);
      await waitFor('the session to leave the pool', eventuallyMs, () => pool.totalCount === 0);
    }
    await inCommit.open();
  });

  test('pipelined statements of one client', async () => {
    const pool = makePool({ pipeline: true } as PoolConfig);
    const client = await pool.connect();
    const three = ['SELECT 1 AS n', 'SELECT nonsense', 'SELECT 3 AS n'].map((sql) => client.query(sql));
    expect(await Promise.allSettled(three)).toMatchObject([
      { value: { rows: [{ n: 1 }] } },
      { reason: { code: '42703' } },
      { value: { rows: [{ n: 3 }] } },
    ]);
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const lost = Promise.allSettled([`SELECT ${sql}`, 'SELECT 2'].map((text) => client.query(text)));
    const [pid] = await gates[0].arrivals();
    await pair.primary.query('SELECT pg_terminate_backend($1)', [pid]);
    // Both were on their way: of neither is it known.
    const unknown = { reason: { name: 'OutcomeUnknownError', cause: expect.anything() } };
    expect(await lost).toMatchObject([unknown, unknown]);
    await gates[0].open();
    client.release();
    expect(pool.totalCount).toBe(0);
    expect(await port(pool)).toBe(pair.primary.port);
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    expect(await port(pool.read)).toBe(pair.standby.port);
  });

  test('a wrong password is the error, at once', async () => {
    const pool = makePool({ password: 'wrong' });
    await expect(pool.query('SELECT 1')).rejects.toMatchObject({ code: '28P01' });
    await waitFor('both to have refused', eventuallyMs, () =>
      /^none of 2 known members lets us in \(\S+: 28P01, \S+: 28P01\)$/.test(pool.modeReason),
    );
  });

  test('a password function and a read-only transaction of your own', async () => {
    const pool = makePool({
      host: pair.standby.host,
      port: pair.standby.port,
      password: async () => 'app',
    });
    expect(await port(pool)).toBe(pair.primary.port);
    const client = await pool.connect();
    await client.query('BEGIN READ ONLY');
    await expect(client.query("INSERT INTO notes (text) VALUES ('c')")).rejects.toThrow(
      'this transaction is read-only',
    );
    await client.query('ROLLBACK');
    client.release();
    expect(pool.mode).toBe('read-write');
  });
});

describe('when a session ends', () => {
  test('57P01 while idle: no crash, no mode change, not used again', async () => {
    const pool = makePool();
    const modes: Mode[] = [];
    await pool.query('SELECT 1');
    pool.on('mode', (mode) => modes.push(mode));
    await pair.primary.query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND backend_type = 'client backend'",
    );
    await waitFor('the pool to drop it', eventuallyMs, () => pool.totalCount === 0);
    expect(await port(pool)).toBe(pair.primary.port);
    expect(modes).toEqual([]);
  });

  test('a changed password locks the monitor out: while sessions live on, so does the mode', async () => {
    // No session ends for being idle: another would not be let in.
    const pool = makePool({ idleTimeoutMillis: 0 });
    const modes: Mode[] = [];
    const held = await pool.connect();
    await bothProven(pool);
    pool.on('mode', (mode) => modes.push(mode));
    const rejections = () => pair.primary.log().split('password authentication failed').length - 1;
    await pair.primary.query("ALTER USER app PASSWORD 'changed'");
    try {
      const before = rejections();
      await pair.primary.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
      );
      await waitFor('the monitor to be rejected three times', eventuallyMs, () => rejections() >= before + 3);
      expect(await port(held)).toBe(pair.primary.port);
      await pool.query("INSERT INTO notes (text) VALUES ('still writing')");
      expect([pool.mode, modes]).toEqual(['read-write', []]);
      held.release(true);
      pool.options.min = 0;
      const session = await pool.connect();
      session.release(true);
      await pool.waitForMode('read-only', eventuallyMs);
    } finally {
      await pair.primary.query("ALTER USER app PASSWORD 'app'");
    }
    await pool.waitForMode('read-write', eventuallyMs);
  });

  test('57P01 in flight: the outcome is unknown, and the session is not pooled again', async () => {
    const pool = makePool();
    const client = await pool.connect();
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const lost = client.query(`SELECT ${sql}`);
    const queued = client.query('SELECT 2');
    const outcomes = Promise.allSettled([lost, queued]);
    const [pid] = await gates[0].arrivals();
    await pair.primary.query('SELECT pg_terminate_backend($1)', [pid]);
    const [first, second] = await outcomes;
    await gates[0].open();
    expect(first).toMatchObject({
      reason: { name: 'OutcomeUnknownError', code: '08007', retry: 'unknown', cause: { code: '57P01' } },
    });
    expect(second).toMatchObject({ reason: { name: 'ConnectionLostError', code: '08006', retry: 'safe' } });
    await expect(client.query('SELECT 3')).rejects.toMatchObject({ code: '08006', retry: 'safe' });
    client.release();
    expect(pool.totalCount).toBe(0);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('released right after 57P01, before the socket has closed, it is not handed out again', async () => {
    const pool = makePool({ max: 1 });
    const client = await pool.connect();
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const lost = client.query(`SELECT ${sql}`).catch(() => client.release());
    const next = pool.query('SELECT pg_backend_pid() AS pid');
    const [pid] = await gates[0].arrivals();
    await pair.primary.query('SELECT pg_terminate_backend($1)', [pid]);
    await lost;
    expect((await next).rows[0].pid).not.toBe(pid);
    await gates[0].open();
  });

  test('a read cut off is given again by pool.read, three times if need be', async () => {
    const pool = makePool();
    const { sql, gates } = await Gate.closeOn(pair.standby, pair.primary);
    const [onStandby, onPrimary] = gates;
    try {
      await bothProven(pool);
      const read = pool.read.query(`SELECT 'whole' AS answer, pg_backend_pid() AS pid FROM ${sql}`);
      const seen: number[] = [];
      const next = () =>
        waitFor('the query to be given out', eventuallyMs, async () => {
          const pids = [...(await onStandby.waiting()), ...(await onPrimary.waiting())];
          return pids.find((pid) => !seen.includes(pid));
        });
      for (let times = 0; times < 3; times++) {
        seen.push(await next());
        for (const server of [pair.primary, pair.standby])
          await server.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1', [
            seen.at(-1),
          ]);
      }
      const last = await next();
      await Promise.all([onStandby.open(), onPrimary.open()]);
      expect((await read).rows).toEqual([{ answer: 'whole', pid: last }]);
    } finally {
      await Promise.all([onStandby.open(), onPrimary.open()]);
    }
  });
});

describe('when the primary is killed', () => {
  test('reads go on, writes fail at once, all comes back; four times', async () => {
    // `connectTo('primary')` waits that long for one.
    const pool = makePool({ hotspare: { connectDeadlineMs: 3_000 } });
    const modes: [Mode, string][] = [];
    pool.on('mode', (mode, { reason, previous, since }) => {
      expect(since).toBeInstanceOf(Date);
      expect(previous).not.toBe(mode);
      modes.push([mode, reason]);
    });
    for (let round = 0; round < 4; round++) {
      await pool.query("INSERT INTO notes (text) VALUES ('before')");
      pair.primary.kill();
      await untilFromStandby(pool);
      expect(pool.mode).toBe('read-only');
      expect(pool.topology).toMatchObject({ primary: null, readFrom: [{ port: pair.standby.port }] });
      await expect(pool.query("INSERT INTO notes (text) VALUES ('while')")).rejects.toBeInstanceOf(
        ReadOnlyError,
      );
      // The refused write left its session in the pool.
      expect(pool.idleCount).toBe(1);
      if (round === 0) await expect(pool.connectTo('primary')).rejects.toBeInstanceOf(ReadOnlyError);
      await pair.primary.start();
      await pool.waitForMode('read-write', eventuallyMs);
      await pool.query("INSERT INTO notes (text) VALUES ('after')");
    }
    expect(modes.map(([mode]) => mode).slice(-2)).toEqual(['read-only', 'read-write']);
    expect(modes.some(([, reason]) => /^the primary .* (crashed|refuses connections)$/.test(reason))).toBe(
      true,
    );
  });

  test('pool.read never fails', async () => {
    const pool = makePool();
    await bothProven(pool);
    let running = true;
    let answered = 0;
    const reads = Array.from({ length: 4 }, async () => {
      while (running) {
        await pool.read.query('SELECT 1');
        answered += 1;
      }
    });
    const ended = Promise.all(reads).finally(() => (running = false));
    pair.primary.kill();
    await pool.waitForMode('read-only', eventuallyMs);
    await pair.primary.start();
    await pool.waitForMode('read-write', eventuallyMs);
    running = false;
    await ended;
    expect(answered).toBeGreaterThan(0);
  });

  test('a transaction in flight fails and is not moved; with retry it is run again', async () => {
    const pool = makePool({ writeWaitMs: eventuallyMs });
    await bothProven(pool);
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const client = await pool.connect();
    await client.query('BEGIN');
    await client.query("INSERT INTO notes (text) VALUES ('never')");
    let runs = 0;
    const repeated = pool.transaction(
      async (own) => {
        runs += 1;
        await own.query("INSERT INTO notes (text) VALUES ('once')");
        if (runs === 1) await own.query(`SELECT ${sql}`);
      },
      { retry: 5 },
    );
    await gates[0].arrivals();
    pair.primary.kill();
    await pool.waitForMode('read-only', eventuallyMs);
    await waitFor('the session to end', eventuallyMs, () =>
      client.query('SELECT 1').then(
        () => false,
        (error: Error) => error,
      ),
    );
    client.release();
    await pair.primary.start();
    await repeated;
    expect(runs).toBeGreaterThan(1);
    const [row] = await pair.primary.query(
      "SELECT count(*) FILTER (WHERE text = 'never')::int, count(*) FILTER (WHERE text = 'once')::int FROM notes",
    );
    expect(row).toEqual([0, 1]);
  });

  test('writeWaitMs holds a write until the primary is back', async () => {
    const pool = makePool({ writeWaitMs: eventuallyMs });
    await bothProven(pool);
    pair.primary.kill();
    await pool.waitForMode('read-only', eventuallyMs);
    const write = pool.query("INSERT INTO notes (text) VALUES ('waited') RETURNING text");
    await pair.primary.start();
    expect((await write).rows).toEqual([{ text: 'waited' }]);
  });

  test('an orderly stop is the same', async () => {
    const pool = makePool();
    await pool.query('SELECT 1');
    const stopped = pair.primary.stop();
    await pool.waitForMode('read-only', eventuallyMs);
    await untilFromStandby(pool);
    await stopped;
    await pair.primary.start();
    await pool.waitForMode('read-write', eventuallyMs);
  });
});

describe('when the primary freezes', () => {
  afterEach(() => pair.primary.thaw());

  // The default notices silence after half a second; whatever waits for anything else here waits for longer.
  const notice = { heartbeatTimeoutMs: defaultTimings.heartbeatTimeoutMs, connectDeadlineMs: 60_000 };
  const noticedMs = 10_000;

  test('nobody waits for it, and it is taken back after the thaw', async () => {
    const pool = makePool({ max: 3, hotspare: notice });
    const bystander = await pool.connect();
    const { sql, gates } = await Gate.closeOn(pair.primary);
    const both = [1, 2].map(() => pool.query(`SELECT ${sql}`));
    await gates[0].arrivals(2);
    await gates[0].open();
    await Promise.all(both);
    await bothProven(pool);
    const startedMs = performance.now();
    pair.primary.freeze();
    // Two in flight besides the bystander, five in the queue.
    const queries = Array.from({ length: 7 }, () => port(pool).catch((error: unknown) => error));
    const outcomes = await Promise.all(queries);
    expect(performance.now() - startedMs).toBeLessThan(noticedMs);
    expect(outcomes.filter((outcome) => outcome instanceof OutcomeUnknownError)).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === pair.standby.port)).toHaveLength(5);
    expect(pool.mode).toBe('read-only');
    await expect(bystander.query('SELECT 1')).rejects.toMatchObject({ retry: 'safe' });
    bystander.release();
    pair.primary.thaw();
    await pool.waitForMode('read-write', eventuallyMs);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('log-ins that are under way there go on elsewhere', async () => {
    const pool = makePool({ hotspare: notice, warmSpare: false });
    const held = await pool.connect();
    await bothProven(pool);
    const idle = await pool.connect();
    pair.primary.freeze();
    const outcomes = await Promise.all(
      Array.from({ length: 4 }, () => port(pool).catch((error: unknown) => error)),
    );
    expect(outcomes).toEqual([1, 2, 3, 4].map(() => pair.standby.port));
    pair.primary.thaw();
    for (const client of [held, idle]) client.release(true);
  });

  test('a busy event loop is not taken for a dead server', async () => {
    // Busy for longer than a server may be silent; a server on a busy machine has time to answer meanwhile.
    const pool = makePool({ hotspare: { heartbeatTimeoutMs: 1_000 } });
    const modes: Mode[] = [];
    await bothProven(pool);
    pool.on('mode', (mode) => modes.push(mode));
    for (let i = 0; i < 3; i++) {
      const untilMs = performance.now() + 1_500;
      while (performance.now() < untilMs);
      await pool.query('SELECT 1');
    }
    expect(modes).toEqual([]);
  });
});

describe('when nothing answers', () => {
  test('DownError in bounded time, then at once; it recovers by itself', async () => {
    const waitMs = 3_000;
    const pool = makePool({ hotspare: { connectDeadlineMs: waitMs } });
    await pool.query('SELECT 1');
    await Promise.all([pair.primary.stop(), pair.standby.stop()]);
    await pool.waitForMode('down', eventuallyMs);
    const errors = await Promise.all(
      Array.from({ length: 40 }, () => pool.query('SELECT 1').catch((error: unknown) => error)),
    );
    for (const error of errors) expect(error).toBeInstanceOf(DownError);
    expect(errors[0]).toMatchObject({ code: '57P03', severity: 'FATAL', retry: 'safe' });
    expect((errors[0] as Error).message).toMatch(/refuses connections/);
    const startedMs = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(DownError);
    expect(performance.now() - startedMs).toBeLessThan(waitMs * 0.9);
    await Promise.all([pair.primary.start(), pair.standby.start()]);
    await pool.waitForMode('read-write', eventuallyMs);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('connectionTimeoutMillis is respected', async () => {
    const pool = makePool({ hotspare: { hosts: ['127.0.0.1:1'] }, connectionTimeoutMillis: briefMs });
    const startedMs = performance.now();
    await expect(pool.query('SELECT 1')).rejects.toBeInstanceOf(DownError);
    expect(performance.now() - startedMs).toBeLessThan(patient.connectDeadlineMs / 2);
    await expect(pool.waitForMode('read-write', 50)).rejects.toMatchObject({ name: 'ModeTimeoutError' });
  });
});

describe('a plain URL', () => {
  test('is plain pg: no discovery, no monitors', async () => {
    const monitors = () =>
      pair.primary.query("SELECT 1 FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'");
    await waitFor('the end of those before', eventuallyMs, async () => (await monitors()).length === 0);
    const pool = plainPool({ connectionString: pair.primary.url() });
    expect(pool.mode).toBe('read-write');
    expect((pool as unknown as { Client: unknown }).Client).toBe(pg.Client);
    expect(await port(pool)).toBe(pair.primary.port);
    await expect(pool.read.query("INSERT INTO notes (text) VALUES ('x')")).rejects.toMatchObject({
      code: '25006',
    });
    expect(await monitors()).toEqual([]);
    const client = await pool.connectTo('primary');
    expect(await port(client)).toBe(pair.primary.port);
    client.release();
  });
});
