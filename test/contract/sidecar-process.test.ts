import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bundleLibrary } from '../support/built/bundled-library.js';
import { startConsul, type RealConsul } from '../support/consul.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { registerPair } from '../support/registered-pair.js';

/** Programs of a few lines that use the library as an app would, in a process of their own. */
let pair: PostgresPair;
let consul: RealConsul;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-process-'));

beforeAll(async () => {
  [pair, consul] = await Promise.all([startPostgresPair(), startConsul()]);
  await registerPair(consul, pair);
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await bundleLibrary(join(folder, 'hotspare.cjs'));
});
afterAll(async () => {
  await Promise.all([pair?.destroy(), consul?.destroy()]);
  rmSync(folder, { recursive: true, force: true });
});

/** Less than any timer of the library with these settings. */
const lingerMs = 8_000;

/** Runs the program; `STEP name` lines on its output call the step of that name. */
async function run(
  program: string,
  steps: Record<string, () => unknown> = {},
  limitMs = 50_000,
): Promise<{ code: number | null; output: string; tookMs: number }> {
  const file = join(folder, `${Math.random()}.cjs`);
  const hosts = JSON.stringify([pair.primary, pair.standby].map(({ host, port }) => ({ host, port })));
  const discovery = JSON.stringify({
    dns: { host: consul.host, port: consul.dnsPort },
    http: { url: consul.httpUrl },
    cacheFile: join(folder, 'known.json'),
    ...patient,
    // So that one that is left behind is seen.
    dnsTimeoutMs: eventuallyMs,
  });
  writeFileSync(
    file,
    `const { Pool, Client, Resolver } = require('./hotspare.cjs');
    const login = { user: 'app', password: 'app', database: 'app' };
    const config = { ...login, hotspare: { hosts: ${hosts}, ...${JSON.stringify(patient)} } };
    const byConsul = { ...login, hotspare: ${discovery} };
    const left = () => JSON.stringify(process.getActiveResourcesInfo().filter((name) => !['PipeWrap', 'TTYWrap'].includes(name)));
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    // A server takes its time to close its end; what a timer of ours holds would stay for longer.
    const untilNothingIsLeft = async () => {
      for (const from = performance.now(); left() !== '[]' && performance.now() - from < ${lingerMs}; ) await sleep(20);
      console.log('LEFT', left());
    };
    (async () => {${program}})();`,
  );
  const startedMs = performance.now();
  const child = spawn(process.execPath, [file], { stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  child.stderr.on('data', (chunk) => (output += chunk));
  child.stdout.on('data', (chunk) => {
    output += chunk;
    for (const [, name] of String(chunk).matchAll(/STEP (\w+)/g)) void steps[name!]?.();
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return { code, output, tookMs: performance.now() - startedMs };
}

describe('the process', () => {
  test('ends by itself after end(): nothing is left open', async () => {
    const { code, output } = await run(`
      const pool = new Pool(config);
      await pool.query('SELECT 1');
      await pool.read.query('SELECT 1');
      await pool.end();
      await untilNothingIsLeft();`);
    expect(output).toContain('LEFT []');
    expect(code).toBe(0);
  });

  test('ends by itself after end() of a pool somebody was still waiting for', async () => {
    const { code, output } = await run(`
      const silent = require('net').createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
      await new Promise((resolve) => silent.once('listening', resolve));
      const nowhere = { host: '127.0.0.1', port: silent.address().port };
      const said = (error) => console.log('SAID', error.name, error.message);
      const plain = { connectionString: ${JSON.stringify(pair.primary.url())} };
      const waiting = [];
      for (const options of [config, plain]) {
        const pool = new Pool(options);
        await pool.query('SELECT 1');
        const connected = new Promise((resolve) => silent.once('connection', resolve));
        waiting.push(pool.connectTo(nowhere).catch(said), pool.waitForMode('down', 3_000_000_000).catch(said));
        await connected;
        await pool.end();
      }
      await Promise.all(waiting);
      silent.close();
      await untilNothingIsLeft();`);
    expect(output.match(/SAID DownError the pool was ended/g), output).toHaveLength(4);
    expect(output).toContain('LEFT []');
    expect(code).toBe(0);
  });

  test('ends without end() as soon as a plain pool would let it', async () => {
    const { code, tookMs } = await run(`
      const pool = new Pool({ ...config, allowExitOnIdle: true, idleTimeoutMillis: 100_000 });
      await pool.query('SELECT 1');
      await pool.read.query('SELECT 1');`);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(eventuallyMs);
  });

  test('ends without close() of a Resolver whose Consul is silent', async () => {
    const { code, output, tookMs } = await run(`
      const resolver = new Resolver({ dns: '127.0.0.1:9', http: { url: 'http://127.0.0.1:9' }, cacheFile: false, refreshMs: 100_000 });
      await resolver.primary().catch((error) => console.log(error.code, error.retry));`);
    expect(output).toContain('57P03 safe');
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(eventuallyMs);
  });

  test('nor of one that waits for news of a Consul that has none', async () => {
    const { code, output, tookMs } = await run(`
      const resolver = new Resolver({ service: 'pg', ...byConsul.hotspare, cacheFile: false });
      console.log('PORT', (await resolver.primary()).port);
      await sleep(500);`);
    expect(output).toContain(`PORT ${pair.primary.port}`);
    expect(code).toBe(0);
    // Consul would hold the question for a quarter of a minute, and then the next.
    expect(tookMs).toBeLessThan(eventuallyMs);
  });

  test('survives the death of all its connections without any error listener', async () => {
    const { code, output } = await run(
      `
      const pool = new Pool(config);
      const held = await pool.connect();
      await pool.query('SELECT 1');
      await pool.read.query('SELECT 1');
      const client = new Client(config);
      await client.connect();
      console.log('STEP kill');
      await pool.waitForMode('read-only', 20000);
      await sleep(200);
      held.release();
      console.log((await pool.query('SELECT pg_is_in_recovery() AS r')).rows[0].r);
      console.log('STEP start');
      await pool.waitForMode('read-write', 20000);
      console.log('ALIVE', (await pool.query('SELECT pg_is_in_recovery() AS r')).rows[0].r);
      await pool.end();`,
      { kill: () => pair.primary.kill(), start: () => pair.primary.start() },
    );
    expect(output).toContain('ALIVE false');
    expect(code).toBe(0);
  });

  test('goes through 30 failovers without piling up listeners', async () => {
    const { code, output } = await run(
      `
      // Stricter than Node's 10: what grows with each failover shows sooner.
      require('events').defaultMaxListeners = 6;
      const pool = new Pool(byConsul);
      const hasty = new Pool({ ...byConsul, connectionTimeoutMillis: 300 });
      const untilServed = async (query) => {
        for (;;) {
          try { return await query(); } catch (error) { if (!error.retry) throw error; }
          await new Promise(setImmediate);
        }
      };
      for (let round = 0; round < 30; round++) {
        const held = await pool.connect();
        const direct = await pool.connectTo('primary');
        await Promise.all(Array.from({ length: 12 }, () => pool.query('SELECT 1')));
        console.log('STEP kill');
        await pool.waitForMode('read-only', 30000);
        await Promise.all(Array.from({ length: 12 }, (_, i) =>
          untilServed(() => (i % 2 ? pool : pool.read).query('SELECT 1'))));
        await pool.query('CREATE TABLE never ()').catch((error) => error);
        await hasty.connectTo('primary').catch((error) => error);
        const late = pool.connectTo('primary');
        held.release();
        direct.release();
        console.log('STEP start');
        await pool.waitForMode('read-write', 30000);
        (await late).release();
      }
      await Promise.all([pool.end(), hasty.end()]);
      console.log('DONE', process.listenerCount('exit'));`,
      {
        kill: () => pair.primary.kill(),
        start: () => void pair.primary.start().catch(() => pair.primary.start()),
      },
      230_000,
    );
    expect(output).not.toMatch(/Warning/);
    expect(output).toContain('DONE');
    expect(code).toBe(0);
  }, 240_000);

  test('a listener that throws surfaces, and does not stop the failover', async () => {
    const { output } = await run(`
      process.on('uncaughtException', (error) => console.log('SURFACED', error.message));
      const pool = new Pool(config);
      pool.on('mode', () => { throw new Error('listener'); });
      await pool.query('SELECT 1');
      console.log('MODE', pool.mode);
      await pool.end();`);
    expect(output).toContain('SURFACED listener');
    expect(output).toContain('MODE read-write');
  });
});

describe('Client', () => {
  test('is on the proven primary, ends cleanly, and is plain pg for a plain URL', async () => {
    const { code, output } = await run(`
      const pg = require('pg');
      for (const options of [config, { ...login, host: '127.0.0.1', port: ${pair.primary.port} }]) {
        const client = new Client(options);
        console.log(client instanceof Client, client instanceof pg.Client);
        await client.connect();
        await client.query('LISTEN news');
        const heard = new Promise((resolve) => client.once('notification', resolve));
        await client.query("NOTIFY news, 'hello'");
        console.log((await heard).payload, (await client.query('SELECT pg_is_in_recovery() AS r')).rows[0].r);
        await client.end();
      }
      new Client('postgres://app:app@127.0.0.1:${pair.primary.port}/app').connect((error, client) => {
        console.log('CALLBACK', error);
        client.end();
      });`);
    expect(output.match(/true true\nhello false/g)).toHaveLength(2);
    expect(output).toContain('CALLBACK null');
    expect(code).toBe(0);
  });

  test.each(['config', 'byConsul'])(
    'a migration: connect, work, end, and the process is over (%s)',
    async (how) => {
      const { code, output, tookMs } = await run(`
      const client = new Client(${how});
      await client.connect();
      await client.query('CREATE TABLE migrated ()');
      await client.query('DROP TABLE migrated');
      await client.end();
      const endedMs = performance.now();
      await untilNothingIsLeft();
      process.on('exit', () => console.log('LINGERED', Math.round(performance.now() - endedMs)));`);
      expect(output).toContain('LEFT []');
      expect(Number(/LINGERED (\d+)/.exec(output)?.[1])).toBeLessThan(lingerMs);
      expect(code).toBe(0);
      expect(tookMs).toBeLessThan(eventuallyMs);
    },
  );

  test('a migration that forgets end() or loses its connection does not hang on our account', async () => {
    const { code, tookMs } = await run(`
      const client = new Client(byConsul);
      await client.connect();
      client.connection.stream.destroy();
      await new Promise((resolve) => client.once('end', resolve));`);
    expect(code).toBe(0);
    expect(tookMs).toBeLessThan(eventuallyMs);
  });

  test('says why there is none, and leaves nothing running', async () => {
    const { code, output } = await run(`
      const client = new Client({ ...login, connectionTimeoutMillis: 3000, hotspare: { hosts: ['127.0.0.1:${pair.standby.port}'], heartbeatTimeoutMs: 3000 } });
      await client.connect().catch((error) => console.log(error.name, error.code));
      const nobody = new Client({ ...login, connectionTimeoutMillis: 2000, hotspare: { hosts: ['127.0.0.1:9'] } });
      nobody.connect((error) => console.log(error.name, error.code));`);
    expect(output).toContain('ReadOnlyError 25006');
    expect(output).toContain('DownError 57P03');
    expect(code).toBe(0);
  });
});
