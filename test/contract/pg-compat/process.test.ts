import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { patient } from '../../support/patience.js';
import { bundleLibrary } from '../../support/built/bundled-library.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';

/**
 * What keeps a process alive: programs of a few lines, each in a process of its own, once with plain pg and once with
 * hotspare in its place. Neither may call process.exit.
 */
let pair: PostgresPair;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-exit-'));

beforeAll(async () => {
  pair = await startPostgresPair();
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await bundleLibrary(join(folder, 'hotspare.cjs'));
});
afterAll(async () => {
  await pair?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

interface Run {
  readonly code: number | null;
  readonly output: string;
  /** From the end of the program to the end of the process; null: it was ended by us. */
  readonly lingeredMs: number | null;
}

async function run(library: 'pg' | 'hotspare', program: string, limitMs = 20_000): Promise<Run> {
  const file = join(folder, `${library}-${Math.random()}.cjs`);
  const login = { user: 'app', password: 'app', database: 'app' };
  const [primary, standby] = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  // How fast silence is noticed matters where a server is frozen.
  const timings = program.includes('STEP freeze') ? {} : patient;
  const where = library === 'pg' ? primary : { hotspare: { hosts: [primary, standby], ...timings } };
  writeFileSync(
    file,
    `const { Pool, Client, Resolver } = require('${library === 'pg' ? 'pg' : './hotspare.cjs'}');
    const config = ${JSON.stringify({ ...login, ...where })};
    const ours = ${library === 'hotspare'};
    const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
    let endedMs = performance.now();
    process.on('exit', () => console.log('LINGERED', Math.round(performance.now() - endedMs)));
    (async () => {${program}})().then(() => { endedMs = performance.now(); });`,
  );
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output += chunk;
      if (/STEP freeze/.test(String(chunk))) pair.primary.freeze();
    });
  }
  const timer = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  const lingered = /LINGERED (\d+)/.exec(output)?.[1];
  return { code, output, lingeredMs: lingered === undefined ? null : Number(lingered) };
}

const both = async (program: string) =>
  Promise.all([run('pg', program), run('hotspare', program)]) as Promise<[Run, Run]>;

describe('a process ends by itself, as soon as with plain pg', () => {
  test.each([
    ['a Pool made and never used', 'new Pool(config);'],
    ['a Client made and never used', 'new Client(config);'],
    ['end() of a Pool', "const pool = new Pool(config); await pool.query('SELECT 1'); await pool.end();"],
    ['end() of a Pool never used', 'await new Pool(config).end();'],
    [
      'end() with sessions released later',
      `const pool = new Pool(config); const client = await pool.connect();
       const ended = pool.end(); await client.query('SELECT 1'); client.release(); await ended;`,
    ],
    ['end() of a Client', 'const client = new Client(config); await client.connect(); await client.end();'],
    [
      'a Client that lost its connection',
      `const client = new Client(config); client.on('error', () => {}); await client.connect();
       client.connection.stream.destroy(); await new Promise((resolve) => client.once('end', resolve));`,
    ],
    [
      'allowExitOnIdle, without end()',
      "const pool = new Pool({ ...config, allowExitOnIdle: true }); await pool.query('SELECT 1');",
    ],
    [
      'idleTimeoutMillis, without end()',
      "const pool = new Pool({ ...config, idleTimeoutMillis: 200 }); await pool.query('SELECT 1');",
    ],
    ['unref of a Client', 'const client = new Client(config); await client.connect(); client.unref();'],
    [
      'a connect that fails, without end()',
      `const client = new Client({ ...config, password: 'wrong' });
       await client.connect().catch((error) => console.log(error.code));`,
    ],
    [
      'a query that fails, without end()',
      `const pool = new Pool({ ...config, idleTimeoutMillis: 200 });
       await pool.query('SELECT nothing').catch((error) => console.log(error.code));`,
    ],
    [
      'maxLifetimeSeconds still to come',
      "const pool = new Pool({ ...config, maxLifetimeSeconds: 60, idleTimeoutMillis: 200 }); await pool.query('SELECT 1');",
    ],
  ])('%s', async (_, program) => {
    const [plain, ours] = await both(program);
    expect([plain.code, ours.code], ours.output).toEqual([0, 0]);
    expect(ours.output.replace(/LINGERED .*/, '')).toBe(plain.output.replace(/LINGERED .*/, ''));
    // Less than any deadline of ours, more than a busy machine needs.
    expect(ours.lingeredMs!, ours.output).toBeLessThan(plain.lingeredMs! + 4_000);
  });

  test.each([
    [
      'pool.read used, then end()',
      "const pool = new Pool(config); await pool.read.query('SELECT 1'); await pool.end();",
    ],
    ['pool.read made, never used', 'new Pool(config).read;'],
    [
      'pool.read used, allowExitOnIdle',
      "const pool = new Pool({ ...config, allowExitOnIdle: true }); await pool.read.query('SELECT 1'); await pool.query('SELECT 1');",
    ],
    ['only a mode listener', "new Pool(config).on('mode', () => {});"],
    ['waitForMode', "await new Pool(config).waitForMode('read-write', 10000);"],
    [
      'a Resolver closed',
      'const resolver = new Resolver(config.hotspare); await resolver.primary(); resolver.close();',
    ],
    ['a Resolver never closed', 'const resolver = new Resolver(config.hotspare); await resolver.primary();'],
    ['a Resolver never used', 'new Resolver({ cacheFile: false });'],
    [
      'connectTo, released',
      "const pool = new Pool(config); const client = await pool.connectTo('replica'); await client.query('SELECT 1'); client.release();",
    ],
  ])('what only we have: %s', async (_, program) => {
    const ours = await run('hotspare', program);
    expect(ours.code, ours.output).toBe(0);
    expect(ours.lingeredMs!, ours.output).toBeLessThan(4_000);
  });
});

describe('what keeps a process alive with plain pg keeps it alive with ours', () => {
  test.each([
    ['a connected Client', 'const client = new Client(config); await client.connect();'],
    ['a session checked out', 'const pool = new Pool(config); await pool.connect();'],
    [
      'an idle session',
      "const pool = new Pool({ ...config, idleTimeoutMillis: 0 }); await pool.query('SELECT 1');",
    ],
  ])('%s', async (_, program) => {
    const runs = await Promise.all([run('pg', program, 3_000), run('hotspare', program, 3_000)]);
    expect(runs.map(({ code, lingeredMs }) => [code, lingeredMs])).toEqual([
      [null, null],
      [null, null],
    ]);
  });
});

describe('ended while the server is frozen', () => {
  test.each([
    [
      'a Pool with an idle session',
      "const pool = new Pool(config); await pool.query('SELECT 1'); FREEZE await pool.end();",
    ],
    [
      'a Client',
      'const client = new Client(config); await client.connect(); FREEZE await Promise.race([client.end(), sleep(3000)]);',
    ],
    [
      'a session given up by its user',
      'const pool = new Pool(config); const client = await pool.connect(); FREEZE client.release(true); await pool.end();',
    ],
  ])('%s: the process ends, with plain pg it stays', async (_, program) => {
    const text = program.replace('FREEZE', "console.log('STEP freeze'); await sleep(300);");
    try {
      const ours = await run('hotspare', text, 15_000);
      expect(ours.code, ours.output).toBe(0);
      pair.primary.thaw();
      const plain = await run('pg', text, 6_000);
      expect([plain.code, plain.lingeredMs]).toEqual([null, null]);
    } finally {
      pair.primary.thaw();
    }
  });
});
