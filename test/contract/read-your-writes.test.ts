import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Pool, type PoolConfig } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

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
