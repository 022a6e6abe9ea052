import { spawn } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import manifest from '../../../package.json' with { type: 'json' };
import { bundleLibrary } from '../../support/built/bundled-library.js';
import { eventuallyMs } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** An app whose pg is the oldest that the package says it works with; the other tests have the newest. */
const app = mkdtempSync(join(tmpdir(), 'hotspare-oldest-pg-'));
const modules = join(app, 'node_modules');
let pair: PostgresPair;

beforeAll(async () => {
  mkdirSync(modules);
  for (const name of readdirSync('node_modules').filter((entry) => !/^(\.|pg$|hotspare$)/.test(entry)))
    symlinkSync(resolve('node_modules', name), join(modules, name));
  symlinkSync(resolve('node_modules/pg-oldest'), join(modules, 'pg'));
  await bundleLibrary(join(modules, 'hotspare', 'index.js'));
  pair = await startPostgresPair();
  await pair.primary.administer(['CREATE TABLE notes (text text)', 'GRANT ALL ON notes TO app'], 'app');
});
afterAll(async () => {
  await pair?.destroy();
  rmSync(app, { recursive: true, force: true });
});

test('it is the oldest of the range', () => {
  const { version } = JSON.parse(readFileSync('node_modules/pg-oldest/package.json', 'utf8')) as {
    version: string;
  };
  expect(`^${version}`).toBe(manifest.peerDependencies.pg);
});

test('reads go on, what was in flight is said to be unknown, and it comes back', async () => {
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  writeFileSync(
    join(app, 'app.js'),
    `const pg = require('pg');
     const { Pool } = require('hotspare');
     const pool = new Pool({ user: 'app', password: 'app', database: 'app', hotspare: { hosts: ${JSON.stringify(hosts)} } });
     if (!(pool instanceof pg.Pool)) throw new Error('another pg');
     const said = (what) => (error) => console.log(what, error.name, error.code);
     const served = async (db) => (await db.query('SELECT inet_server_port() AS port')).rows[0].port;
     (async () => {
       await pool.query('INSERT INTO notes VALUES ($1)', ['written']);
       console.log('wrote on', await served(pool));
       const inFlight = pool.query("INSERT INTO notes SELECT 'lost' || pg_sleep(3600)::text").catch(said('in flight'));
       const inTransaction = pool.transaction(async (client) => {
         await client.query("INSERT INTO notes VALUES ('half')");
         console.log('begun');
         await pool.waitForMode('read-only', 20000);
         await client.query("INSERT INTO notes VALUES ('other half')");
       }).catch(said('transaction'));
       await Promise.all([inFlight, inTransaction]);
       console.log('reads on', await served(pool), await served(pool.read));
       await pool.query("INSERT INTO notes VALUES ('no')").catch(said('write'));
       console.log('waiting');
       await pool.waitForMode('read-write', 20000);
       const { rows } = await pool.query('SELECT text FROM notes');
       console.log('back with', rows.map(({ text }) => text).join());
       await pool.end();
     })();`,
  );
  const child = spawn(process.execPath, ['app.js'], { cwd: app, stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = new Promise((ended) => child.once('exit', ended));
  const lines: string[] = [];
  for await (const line of createInterface(child.stdout)) {
    lines.push(line);
    if (line === 'begun') {
      await sleepers();
      pair.primary.kill();
    }
    if (line === 'waiting') await pair.primary.start();
  }
  const [primary, standby] = [pair.primary.port, pair.standby.port];
  expect(lines.filter((line) => !/^(in flight|transaction)/.test(line))).toEqual([
    `wrote on ${primary}`,
    'begun',
    `reads on ${standby} ${standby}`,
    'write ReadOnlyError 25006',
    'waiting',
    'back with written',
  ]);
  expect(lines).toContain('in flight OutcomeUnknownError 08007');
  expect(lines).toContain('transaction ConnectionLostError 08006');
  expect(await exited).toBe(0);
});

/** Until the statement that is to be caught in flight is in flight. */
const sleepers = () =>
  waitFor('a statement in flight', eventuallyMs, async () => {
    const rows = await pair.primary.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'");
    return rows.length === 1;
  });
