import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { DownError, Pool, ReadOnlyError, type Mode, type PoolConfig } from '../../../sidecar/index.js';
import { bundleLibrary } from '../../support/built/bundled-library.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { Gate } from '../../support/gate.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../../support/postgres.js';
import { registerPair } from '../../support/registered-pair.js';
import { waitFor } from '../../support/wait.js';

/** Promises of docs/PROMISES.md that no other test shows. */
let pair: PostgresPair;
let consul: RealConsul;
const pools: Pool[] = [];
const folder = mkdtempSync(join(tmpdir(), 'hotspare-promises-'));
beforeAll(async () => {
  [pair, consul] = await Promise.all([startPostgresPair(), startConsul()]);
  await pair.primary.query('CREATE TABLE notes (text text)');
  await pair.primary.query('GRANT ALL ON notes TO app');
  await registerPair(consul, pair);
});
afterAll(async () => {
  await Promise.all([pair?.destroy(), consul?.destroy()]);
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  await Promise.all([pair.primary.start(), pair.standby.start()]);
  await waitFor('the standby to follow', eventuallyMs, async () => {
    const rows = await pair.primary.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'");
    return rows.length > 0;
  });
});
afterEach(async () => {
  vi.useRealTimers();
  await Promise.all(pools.splice(0).map((pool) => (pool.ending ? undefined : pool.end())));
});

const login = { user: 'app', password: 'app', database: 'app' };
const both = () => [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));

function open({ hotspare, ...options }: PoolConfig = {}): Pool {
  const pool = new Pool({ ...login, ...options, hotspare: { ...patient, ...hotspare } });
  pools.push(pool);
  return pool;
}
const openHosts = ({ hotspare, ...options }: PoolConfig = {}) =>
  open({ ...options, hotspare: { hosts: both(), ...hotspare } });
/** By Consul; `own` may point at one that is not there. */
const openByConsul = (own: PoolConfig['hotspare'] = {}) =>
  open({
    hotspare: {
      dns: { host: consul.host, port: consul.dnsPort },
      http: { url: consul.httpUrl },
      cacheFile: false,
      ...own,
    },
  });

const port = async (queryable: Pick<pg.Pool, 'query'>) =>
  (await queryable.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

async function bothProven(pool: Pool): Promise<void> {
  await pool.query('SELECT 1');
  await waitFor('both members proven', eventuallyMs, () => pool.topology.replicas.length === 1);
}

function modesOf(pool: Pool): Mode[] {
  const modes: Mode[] = [];
  pool.on('mode', (mode) => modes.push(mode));
  return modes;
}

/** Until the monitors on this server have asked `n` times more. */
async function heartbeats(server: RealPostgres, n: number): Promise<void> {
  const seen = new Set<string>();
  await waitFor(`${n} heartbeats on port ${server.port}`, eventuallyMs, async () => {
    const rows = await server.query(
      "SELECT pid, query_start::text FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
    );
    for (const row of rows) seen.add(String(row));
    return seen.size > n;
  });
}

/** Reads without a pause until `done`; an error of any of them fails the test. */
async function readingAllAlong(pool: Pool, during: () => Promise<void>): Promise<void> {
  let over = false;
  const reading = (async () => {
    while (!over) await pool.read.query('SELECT 1');
  })().finally(() => (over = true));
  try {
    await during();
  } finally {
    over = true;
  }
  await reading;
}

const untilReadFrom = (pool: Pool, server: RealPostgres) =>
  waitFor(
    `reads from port ${server.port}`,
    eventuallyMs,
    async () => (await port(pool.read)) === server.port,
  );

describe('the replica', () => {
  test('is killed: reads come from the primary without one error, and from the replica when it is back', async () => {
    const pool = openHosts();
    await bothProven(pool);
    const modes = modesOf(pool);
    await readingAllAlong(pool, async () => {
      pair.standby.kill();
      await untilReadFrom(pool, pair.primary);
      await pool.query("INSERT INTO notes VALUES ('without a replica')");
      await pair.standby.start();
      await untilReadFrom(pool, pair.standby);
    });
    expect(modes).toEqual([]);
  });

  test('is further behind than maxReplicaLagBytes: reads come from the primary until it has caught up', async () => {
    const pool = openHosts({ maxReplicaLagBytes: 10_000 });
    await bothProven(pool);
    await untilReadFrom(pool, pair.standby);
    await pair.standby.query('SELECT pg_wal_replay_pause()');
    try {
      await pool.query('INSERT INTO notes SELECT md5(n::text) FROM generate_series(1, 5000) AS n');
      await untilReadFrom(pool, pair.primary);
      expect(pool.mode).toBe('read-write');
      expect(pool.topology.replicas).toHaveLength(1);
      expect(pool.topology.readFrom).toEqual([pool.topology.primary]);
    } finally {
      await pair.standby.query('SELECT pg_wal_replay_resume()');
    }
    await untilReadFrom(pool, pair.standby);
  });

  test('cancels a read that replay must get past (40001): pool.read gives it to the primary', async () => {
    const pool = openHosts();
    await bothProven(pool);
    await pair.standby.administer([
      'ALTER SYSTEM SET max_standby_streaming_delay = 0',
      'SELECT pg_reload_conf()',
    ]);
    const { sql, gates } = await Gate.closeOn(pair.standby);
    const held = await pool.read.connect();
    const statement = `SELECT inet_server_port() AS port, ${sql}::text FROM (SELECT count(*) FROM notes) AS n`;
    const [own, repeated] = [held.query(statement), pool.read.query(statement)];
    const cancelled = expect(own).rejects.toMatchObject({ code: '40001' });
    try {
      await gates[0].arrivals(2);
      const lock = ['BEGIN', 'LOCK TABLE notes IN ACCESS EXCLUSIVE MODE', 'COMMIT'];
      await pair.primary.administer(lock, 'app');
      expect((await repeated).rows).toMatchObject([{ port: pair.primary.port }]);
      await cancelled;
    } finally {
      held.release();
      await gates[0].open();
      await pair.standby.administer([
        'ALTER SYSTEM RESET max_standby_streaming_delay',
        'SELECT pg_reload_conf()',
      ]);
    }
    expect(await port(pool.read)).toBe(pair.standby.port);
  });

  test('refuses with ReadOnlyError all that Postgres counts as writing', async () => {
    const pool = openHosts();
    await bothProven(pool);
    const client = await pool.connectTo('replica');
    for (const sql of [
      'DELETE FROM notes',
      'LISTEN news',
      'NOTIFY news',
      'LOCK notes IN EXCLUSIVE MODE',
      'SELECT * FROM notes FOR UPDATE',
      'CREATE TEMPORARY TABLE mine ()',
    ]) {
      const error: unknown = await client.query(`BEGIN; ${sql}`).catch((thrown: unknown) => thrown);
      expect(error, sql).toBeInstanceOf(ReadOnlyError);
      expect((error as Error).message).toBe('this session is on a replica, which only reads');
      await client.query('ROLLBACK');
    }
    client.release();
  });
});

describe('the primary', () => {
  test('is full (53300): who needs a new session hears it at once; sessions that exist, and the mode, stay', async () => {
    const pool = openHosts({ idleTimeoutMillis: 0, warmSpare: false });
    const held = await pool.connect();
    await bothProven(pool);
    const modes = modesOf(pool);
    const refused = () => pair.primary.log().split('too many connections for role').length - 1;
    await pair.primary.query('ALTER ROLE app CONNECTION LIMIT 0');
    try {
      await pair.primary.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
      );
      const before = refused();
      await waitFor('the monitor to be refused three times', eventuallyMs, () => refused() >= before + 3);
      await held.query("INSERT INTO notes VALUES ('by a session that was there')");
      await pool.query("INSERT INTO notes VALUES ('by another')");
      const two = [await pool.connect()];
      await expect(pool.connect()).rejects.toMatchObject({ code: '53300' });
      for (const client of two) client.release();
      expect([pool.mode, modes]).toEqual(['read-write', []]);
    } finally {
      await pair.primary.query('ALTER ROLE app CONNECTION LIMIT -1');
    }
    held.release();
    expect(await Promise.all([port(pool), port(pool), port(pool)])).toEqual(
      [1, 2, 3].map(() => pair.primary.port),
    );
  });

  test('owes its monitor an answer and goes on answering others: it is slow, not gone; silent to all, it is', async () => {
    const heartbeatTimeoutMs = 4_000;
    const pool = openHosts({ hotspare: { heartbeatTimeoutMs }, warmSpare: false });
    await bothProven(pool);
    const modes = modesOf(pool);
    const [row] = await pair.primary.query(
      "SELECT pid FROM pg_stat_activity WHERE application_name = 'hotspare-monitor'",
    );
    const backend = Number(row![0]);
    process.kill(backend, 'SIGSTOP');
    try {
      const untilMs = performance.now() + 1.5 * heartbeatTimeoutMs;
      while (performance.now() < untilMs) await pool.query('SELECT 1');
      expect([pool.mode, modes]).toEqual(['read-write', []]);
      // Nobody asks it anything any more, so nothing comes from it. A fresh monitor finds it well again.
      await waitFor('silence to count, and the verdict to be mended', eventuallyMs, () => modes.length === 2);
      expect(modes).toEqual(['read-only', 'read-write']);
    } finally {
      process.kill(backend, 'SIGCONT');
    }
  });

  test('ends a session just before a statement is sent on it: pool.query sends it on another', async () => {
    let sessions = 0;
    const pool = openHosts({
      // Between the pool's choice of a session and the statement.
      verify: (client: pg.PoolClient, done: (error?: Error) => void) => {
        if (sessions++ > 0) return done();
        client.once('end', () => done());
        const { processID } = client as unknown as { processID: number };
        void pair.primary.query('SELECT pg_terminate_backend($1)', [processID]);
      },
    } as PoolConfig);
    await pool.query("INSERT INTO notes VALUES ('sent once')");
    expect(sessions).toBe(2);
    const [row] = await pair.primary.query("SELECT count(*)::int FROM notes WHERE text = 'sent once'");
    expect(row).toEqual([1]);
  });
});

describe('Consul', () => {
  const modeless = async (pool: Pool, during: () => Promise<void>) => {
    const modes = modesOf(pool);
    await during();
    expect([pool.mode, modes]).toEqual(['read-write', []]);
  };

  test('hangs: no change of mode, and an app that starts now remembers', async () => {
    const cacheFile = join(folder, 'remembered.json');
    const pool = openByConsul({ cacheFile });
    await bothProven(pool);
    await waitFor('the file', eventuallyMs, () =>
      both().every((one) => readFileSync(cacheFile, 'utf8').includes(`${one.port}`)),
    );
    consul.freeze();
    try {
      await modeless(pool, async () => {
        await pool.query("INSERT INTO notes VALUES ('while Consul hangs')");
        await heartbeats(pair.primary, 4);
        expect(await port(pool.read)).toBe(pair.standby.port);
      });
      const late = openByConsul({ cacheFile });
      expect(await port(late)).toBe(pair.primary.port);
    } finally {
      consul.thaw();
    }
  });

  test('answers by HTTP alone, or by DNS alone: that is enough', async () => {
    const [nobody] = (await freePorts(1)) as [number];
    for (const own of [
      { dns: { host: consul.host, port: nobody } },
      { http: { url: `http://${consul.host}:${nobody}` } },
    ]) {
      const pool = openByConsul(own);
      expect(await port(pool)).toBe(pair.primary.port);
      await bothProven(pool);
      expect(await port(pool.read)).toBe(pair.standby.port);
    }
  });

  test('is away and nobody is remembered: DownError in bounded time, and read-write once it is there', async () => {
    await consul.stop();
    try {
      const pool = openByConsul({ connectDeadlineMs: 1_000 });
      const startedMs = performance.now();
      const error: unknown = await pool.query('SELECT 1').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(DownError);
      expect((error as Error).message).toContain('Consul does not answer and no member is remembered');
      expect(performance.now() - startedMs).toBeLessThan(eventuallyMs / 2);
      await consul.start();
      await registerPair(consul, pair);
      await pool.waitForMode('read-write', eventuallyMs);
      expect(await port(pool)).toBe(pair.primary.port);
    } finally {
      await consul.start().catch(() => {});
    }
  });
});

describe("the app's own process", () => {
  test('the wall clock jumps a day forth and two back: nothing happens', async () => {
    const pool = openHosts();
    await bothProven(pool);
    const [modes, since] = [modesOf(pool), pool.modeSince.getTime()];
    vi.useFakeTimers({ toFake: ['Date'] });
    const dayMs = 86_400_000;
    for (const jumpMs of [dayMs, -dayMs]) {
      vi.setSystemTime(since + jumpMs);
      await heartbeats(pair.primary, 4);
      await pool.query("INSERT INTO notes VALUES ('in another time')");
      expect(await port(pool.read)).toBe(pair.standby.port);
    }
    expect([pool.mode, modes, pool.modeSince.getTime()]).toEqual(['read-write', [], since]);
  });

  test('is stopped (SIGSTOP) for longer than a server may be silent: read-write when it goes on', async () => {
    const app = await startApp();
    try {
      for (let round = 0; round < 3; round++) {
        process.kill(app.child.pid!, 'SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, app.heartbeatTimeoutMs + 1_000));
        process.kill(app.child.pid!, 'SIGCONT');
        expect(await app.ask()).toEqual({ port: pair.primary.port, mode: 'read-write', modes: [] });
      }
    } finally {
      await app.end();
    }
  }, 90_000);

  /** A program with a Pool of its own; asked over its standard input, after some heartbeats. */
  async function startApp() {
    const heartbeatTimeoutMs = 2_000;
    symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
    await bundleLibrary(join(folder, 'hotspare.cjs'));
    const config = { ...login, hotspare: { hosts: both(), heartbeatTimeoutMs } };
    const file = join(folder, 'app.cjs');
    writeFileSync(
      file,
      `const { Pool } = require('./hotspare.cjs');
      const pool = new Pool(${JSON.stringify(config)});
      const modes = [];
      (async () => {
        await pool.query('SELECT 1');
        pool.on('mode', (mode) => modes.push(mode));
        process.stdin.on('data', async () => {
          await new Promise((resolve) => setTimeout(resolve, 1500));
          const { rows } = await pool.query('SELECT inet_server_port() AS port');
          console.log(JSON.stringify({ port: rows[0].port, mode: pool.mode, modes }));
        });
        console.log('ready');
      })();`,
    );
    const child: ChildProcess = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'inherit'] });
    const line = () =>
      new Promise<string>((resolve, reject) => {
        child.stdout!.once('data', (chunk) => resolve(String(chunk)));
        child.once('exit', (code) => reject(new Error(`the app ended with ${code}`)));
      });
    expect(await line()).toContain('ready');
    return {
      child,
      heartbeatTimeoutMs,
      async ask(): Promise<unknown> {
        const answer = line();
        child.stdin!.write('?');
        return JSON.parse(await answer);
      },
      async end() {
        const ended = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGKILL');
        await ended;
      },
    };
  }
});

describe('a pool that has ended', () => {
  test('gives no session any more, to nobody', async () => {
    const pool = openHosts();
    await bothProven(pool);
    await pool.read.query('SELECT 1');
    await pool.end();
    for (const work of [
      () => pool.query('SELECT 1'),
      () => pool.read.query('SELECT 1'),
      () => pool.readAfter(null).query('SELECT 1'),
      () => pool.connect(),
      () => pool.transaction(async () => {}),
    ])
      await expect(work()).rejects.toThrow('Cannot use a pool after calling end on the pool');
    await expect(pool.connectTo('primary')).rejects.toThrow(new DownError('the pool was ended'));
  });
});
