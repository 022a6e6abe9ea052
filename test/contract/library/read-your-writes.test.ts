import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool, type PoolConfig } from '../../../sidecar/index.js';
import { parseReadToken, readTokenOf } from '../../../sidecar/core/history/read-token.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** Long enough that only a replica that does not replay at all is given up. */
const longMs = 20_000;

let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (id serial PRIMARY KEY, text text)');
  await pair.primary.query('GRANT ALL ON notes, notes_id_seq TO app');
  await pair.primary.query(
    `CREATE FUNCTION note(text) RETURNS int LANGUAGE sql AS 'INSERT INTO notes (text) VALUES ($1) RETURNING id'`,
  );
});
afterAll(() => pair?.destroy());
beforeEach(() => resume());
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

const pause = () => pair.standby.query('SELECT pg_wal_replay_pause()');
const resume = () => pair.standby.query('SELECT pg_wal_replay_resume()');
async function delayReplay(delayMs: number): Promise<void> {
  await pair.standby.query(`ALTER SYSTEM SET recovery_min_apply_delay = '${delayMs}ms'`);
  await pair.standby.query('SELECT pg_reload_conf()');
}

async function open(options: PoolConfig = {}): Promise<Pool> {
  const { hotspare, ...rest } = options;
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  const pool = new Pool({
    user: 'app',
    password: 'app',
    database: 'app',
    ...rest,
    hotspare: { hosts, ...patient, ...hotspare },
  });
  pools.push(pool);
  await pool.query('SELECT 1');
  await waitFor('both members proven', eventuallyMs, () => pool.topology.replicas.length === 1);
  return pool;
}

interface Seen {
  readonly port: number;
  readonly there: boolean;
}
/** Whether the note is seen, and by whom. */
async function look(on: Pick<pg.Pool, 'query'>, text: string): Promise<Seen> {
  const { rows } = await on.query<Seen>(
    'SELECT inet_server_port() AS port, EXISTS (SELECT FROM notes WHERE text = $1) AS there',
    [text],
  );
  return rows[0]!;
}
const byReplica = () => ({ port: pair.standby.port, there: true });
const byPrimary = () => ({ port: pair.primary.port, there: true });
const write = (on: Pick<pg.Pool, 'query'>, text: string) =>
  on.query('INSERT INTO notes (text) VALUES ($1)', [text]);

describe('within a process', () => {
  test('without the option a read may be stale', async () => {
    const pool = await open();
    await pause();
    await write(pool, 'plain');
    expect(await look(pool.read, 'plain')).toEqual({ port: pair.standby.port, there: false });
  });

  test('a read waits until the replica has replayed the write, and is served there', async () => {
    const pool = await open({ readYourWrites: { waitMs: longMs } });
    await pause();
    await write(pool, 'awaited');
    let answered = false;
    const read = look(pool.read, 'awaited').finally(() => (answered = true));
    // Somebody who needs nothing is served meanwhile: the one who waits holds no session.
    expect(pool.read.totalCount).toBe(0);
    expect(await look(pool, 'awaited')).toEqual(byPrimary());
    expect(answered).toBe(false);
    await resume();
    expect(await read).toEqual(byReplica());
  });

  test('a replica that does not replay in time: the read goes to the primary, and cannot write there', async () => {
    const pool = await open({ readYourWrites: { waitMs: 30 } });
    await pause();
    await write(pool, 'not in time');
    expect(await look(pool.read, 'not in time')).toEqual(byPrimary());
    await expect(write(pool.read, 'never')).rejects.toMatchObject({ name: 'ReadOnlyError', code: '25006' });
    await resume();
    await waitFor('the replica to serve again', eventuallyMs, async () => {
      const seen = await look(pool.read, 'not in time');
      expect(seen.there).toBe(true);
      return seen.port === pair.standby.port;
    });
  });

  test('every way to write counts, a SELECT too, and every way to read', async () => {
    const pool = await open({ readYourWrites: { waitMs: 20 } });
    await pause();
    const ways: Record<string, (text: string) => Promise<unknown>> = {
      query: (text) => write(pool, text),
      function: (text) => pool.query('SELECT note($1)', [text]),
      transaction: (text) => pool.transaction((client) => write(client, text)),
      client: async (text) => {
        const client = await pool.connect();
        await client.query('BEGIN');
        await write(client, text);
        await client.query('COMMIT');
        client.release();
      },
      connectTo: async (text) => {
        const client = await pool.connectTo('primary');
        await write(client, text);
        client.release();
      },
      asynchronous: (text) =>
        pool.transaction(async (client) => {
          await client.query('SET LOCAL synchronous_commit = off');
          await write(client, text);
        }),
      callback: (text) =>
        new Promise((resolve, reject) =>
          pool.query('INSERT INTO notes (text) VALUES ($1)', [text], (error) => {
            // At once, not a turn later.
            if (error) reject(error);
            else
              look(pool.read, text).then((seen) => (seen.there ? resolve(seen) : reject(new Error('stale'))));
          }),
        ),
    };
    for (const [name, way] of Object.entries(ways)) {
      await way(name);
      expect([name, await look(pool.read, name)]).toEqual([name, byPrimary()]);
      const client = await pool.read.connect();
      expect([name, await look(client, name)]).toEqual([name, byPrimary()]);
      client.release();
    }
  });

  test('once the replica has it, reads ask nobody; the question to the primary is shared', async () => {
    const pool = await open({ readYourWrites: { waitMs: longMs } });
    await write(pool, 'shared');
    const seen = await Promise.all(Array.from({ length: 20 }, () => look(pool.read, 'shared')));
    expect(seen).toEqual(Array.from({ length: 20 }, byReplica));
    // Replay stops; what was known to be there stays known.
    await pause();
    await pair.primary.query("INSERT INTO notes (text) VALUES ('by somebody else')");
    expect(await look(pool.read, 'shared')).toEqual(byReplica());
  });

  test('delayed replay: never stale, by the replica', async () => {
    const pool = await open({ readYourWrites: { waitMs: longMs } });
    await delayReplay(15);
    try {
      for (let n = 0; n < 20; n++) {
        await write(pool, `delayed ${n}`);
        expect(await look(pool.read, `delayed ${n}`)).toEqual(byReplica());
      }
    } finally {
      await delayReplay(0);
    }
  });
});

describe('across processes, by a token', () => {
  test('a read waits for the replica, and is served there', async () => {
    const [writer, reader] = [await open(), await open()];
    await pause();
    await write(writer, 'told by a token');
    const token = await writer.readToken();
    expect(await look(reader.read, 'told by a token')).toEqual({ port: pair.standby.port, there: false });
    const read = look(reader.readAfter(token, { waitMs: longMs }), 'told by a token');
    await resume();
    expect(await read).toEqual(byReplica());
    // It is known to be there now: not even a replica that stands still need be asked.
    await pause();
    expect(await look(reader.readAfter(token), 'told by a token')).toEqual(byReplica());
  });

  test('in bounded time, else from the primary; a client as well as a query, and only to read', async () => {
    const [writer, reader] = [await open(), await open()];
    await pause();
    await write(writer, 'bounded');
    const view = reader.readAfter(await writer.readToken(), { waitMs: 25 });
    expect(await look(view, 'bounded')).toEqual(byPrimary());
    const client = await view.connect();
    expect(await look(client, 'bounded')).toEqual(byPrimary());
    await expect(write(client, 'never')).rejects.toMatchObject({ code: '25006' });
    client.release();
    const seen = await new Promise<unknown>((resolve, reject) =>
      view.query('SELECT inet_server_port() AS port', (error, result) =>
        error ? reject(error) : resolve(result.rows[0]),
      ),
    );
    expect(seen).toEqual({ port: pair.primary.port });
  });

  test('it is a pool for whoever takes pools, and ending it ends nothing', async () => {
    const pool = await open();
    const view = pool.readAfter(await pool.readToken());
    expect(view).toBeInstanceOf(pg.Pool);
    await view.query('SELECT 1');
    expect(view.totalCount + view.idleCount).toBe(pool.read.totalCount + pool.read.idleCount);
    await view.end();
    expect((await view.query('SELECT 1')).rowCount).toBe(1);
  });

  test('of several tokens the newest counts', async () => {
    const pool = await open();
    await write(pool, 'older');
    const older = await pool.readToken();
    await waitFor('the replica to have the older', eventuallyMs, async () => {
      return (await look(pool.readAfter(older), 'older')).port === pair.standby.port;
    });
    await pause();
    await write(pool, 'newer');
    const newer = await pool.readToken();
    expect(await look(pool.readAfter([newer, older], { waitMs: 10 }), 'newer')).toEqual(byPrimary());
    expect(await look(pool.readAfter(older), 'older')).toEqual(byReplica());
  });

  test('what is no token, or of another database, is read from the primary without waiting', async () => {
    const pool = await open();
    const own = parseReadToken(await pool.readToken())!;
    await pause();
    const strangers = [
      undefined,
      null,
      '',
      "1'; DROP TABLE notes; --",
      'x'.repeat(100_000),
      readTokenOf({ ...own, systemId: '1' }),
      readTokenOf({ ...own, timeline: own.timeline + 1 }),
      [] as string[],
      [readTokenOf(own), 'garbage'],
    ];
    for (const stranger of strangers)
      expect((await look(pool.readAfter(stranger, { waitMs: 60_000 }), '')).port).toBe(pair.primary.port);
  });

  test('a token from the far future costs one wait and no session', async () => {
    const pool = await open();
    const own = parseReadToken(await pool.readToken())!;
    const future = readTokenOf({ ...own, lsn: 2n ** 64n - 1n });
    const waiting = Array.from({ length: 50 }, () => look(pool.readAfter(future, { waitMs: 300 }), ''));
    expect((await look(pool.readAfter(readTokenOf(own), { waitMs: longMs }), '')).port).toBe(
      pair.standby.port,
    );
    expect(new Set((await Promise.all(waiting)).map(({ port }) => port))).toEqual(
      new Set([pair.primary.port]),
    );
  });

  test('a replica that does not answer holds nobody longer than that', async () => {
    const pool = await open({ readYourWrites: { waitMs: 50 } });
    await look(pool.read, '');
    pair.standby.freeze();
    try {
      await write(pool, 'while frozen');
      expect(await look(pool.read, 'while frozen')).toEqual(byPrimary());
      const token = await pool.readToken();
      expect(await look(pool.readAfter(token), 'while frozen')).toEqual(byPrimary());
    } finally {
      pair.standby.thaw();
    }
  });

  test('a primary that has just begun a new file of its WAL: nobody waits for a header without a record', async () => {
    const pool = await open();
    let position;
    for (let round = 0; round < 10; round++) {
      await write(pool, 'the last of its file');
      await pair.primary.query('SELECT pg_switch_wal()');
      const token = await pool.readToken();
      position = parseReadToken(token)!;
      if (position.lsn % (16n * 1024n * 1024n) !== 0n) continue;
      const seen = await look(pool.readAfter(token, { waitMs: longMs }), 'the last of its file');
      expect(seen).toEqual(byReplica());
      return;
    }
    throw new Error(`something was written after each switch; last: ${String(position?.lsn)}`);
  });

  test('a server that hides what it is: reads come from the primary', async () => {
    await pair.primary.query('REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC');
    await pair.primary.query(`SELECT pg_switch_wal()`);
    await pair.caughtUp();
    try {
      const pool = await open({ readYourWrites: { waitMs: longMs } });
      await write(pool, 'hidden');
      expect(await pool.readToken()).toBeNull();
      expect(await look(pool.read, 'hidden')).toEqual(byPrimary());
    } finally {
      await pair.primary.query('GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC');
    }
  });
});

/** One story in order, the last of this file: the primary is lost, the spare promoted, the old primary follows it. */
describe('when the primary is lost', () => {
  let pool: Pool;
  let token: string | null;
  test('a replica serves, whatever is asked for', async () => {
    pool = await open({ readYourWrites: { waitMs: 50 } });
    pools.length = 0;
    await write(pool, 'before the loss');
    token = await pool.readToken();
    await pair.standby.waitUntilReplayed(await pair.primary.position('inserted'));
    await pair.primary.stop();
    await pool.waitForMode('read-only', eventuallyMs);
    const future = readTokenOf({ ...parseReadToken(token)!, lsn: 2n ** 63n });
    for (const view of [pool.read, ...[token, null, future].map((one) => pool.readAfter(one))])
      expect(await look(view, 'before the loss')).toEqual(byReplica());
    expect(await pool.readToken()).toBeNull();
  });

  test('after a promotion tokens of before are discarded, and new ones count', async () => {
    await pair.standby.promote();
    await pool.waitForMode('read-write', eventuallyMs);
    await write(pool, 'after the promotion');
    const [old, now] = [parseReadToken(token)!, parseReadToken(await pool.readToken())!];
    expect(now).toMatchObject({ systemId: old.systemId, timeline: old.timeline + 1 });
    // Stopped in order, it may simply follow.
    const { dataDir } = pair.primary;
    writeFileSync(join(dataDir, 'standby.signal'), '', { mode: 0o644 });
    const source = `host=${pair.standby.host} port=${pair.standby.port} user=postgres password=postgres`;
    appendFileSync(join(dataDir, 'postgresql.conf'), `\nprimary_conninfo = '${source}'\n`);
    await pair.primary.start();
    await waitFor('the old primary to be a replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    const fresh = await pool.readToken();
    // Nobody waits for a replica of which it is not known that it is on that timeline.
    const seen = async () => {
      const { port, there } = await look(pool.readAfter(fresh, { waitMs: 60_000 }), 'after the promotion');
      expect(there).toBe(true);
      return port;
    };
    expect(await seen()).toBe(pair.standby.port);
    await pair.standby.query('GRANT pg_read_all_stats TO app');
    await waitFor('the replica to serve what is after the promotion', eventuallyMs, async () => {
      return (await seen()) === pair.primary.port;
    });
    // It is well, and far beyond that position; but that history has ended.
    expect(await look(pool.readAfter(token, { waitMs: 60_000 }), 'after the promotion')).toEqual({
      port: pair.standby.port,
      there: true,
    });
    expect(await look(pool.read, 'after the promotion')).toEqual({ port: pair.primary.port, there: true });
    await pair.standby.query('REVOKE pg_read_all_stats FROM app');
    await pair.standby.query('CHECKPOINT');
    await write(pool, 'after the promotion');
    await pair.standby.query('CHECKPOINT');
    await waitFor('the replica to know its timeline by itself', eventuallyMs, async () => {
      await pair.primary.query('CHECKPOINT');
      const { port, there } = await look(pool.readAfter(await pool.readToken()), 'after the promotion');
      expect(there).toBe(true);
      return port === pair.primary.port;
    });
    await pool.end();
  });
});
