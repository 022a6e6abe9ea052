import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FakeDns, reply } from '../fakes/dns-server.js';
import { bundleLibrary } from '../support/built/bundled-library.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';

/** What surrounds an app: tracers, async contexts, users without a home, bundlers. Each program is a process of its own. */
let pair: PostgresPair;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-surroundings-'));
const executed = promisify(execFile);

beforeAll(async () => {
  chmodSync(folder, 0o755);
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  [pair] = await Promise.all([startPostgresPair(), bundleLibrary(join(folder, 'hotspare.cjs'))]);
});
afterAll(async () => {
  await pair?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

let programs = 0;

/** Runs the program; it prints JSON. */
async function run<T>(program: string, command: readonly string[] = [process.execPath]): Promise<T> {
  const file = join(folder, `${++programs}.cjs`);
  const { host, port } = pair.primary;
  const hosts = [pair.primary, pair.standby].map((one) => ({ host: one.host, port: one.port }));
  const login = { user: 'app', password: 'app', database: 'app', max: 1 };
  const configs = {
    'a plain URL': { connectionString: `postgres://app:app@${host}:${port}/app`, max: 1 },
    discovery: { ...login, hotspare: { hosts } },
  };
  writeFileSync(
    file,
    `const configs = ${JSON.stringify(configs)};
     const print = (value) => console.log(JSON.stringify(value));
     const sleep = (ms) => new Promise((done) => setTimeout(done, ms));
     ${program}`,
  );
  const [first, ...rest] = [...command, file];
  const { stdout } = await executed(first!, rest, { cwd: folder, timeout: 50_000 });
  return JSON.parse(stdout) as T;
}

/** Statements in every way that pg knows. */
const statements = `
  const called = (work) => new Promise((done, failed) => work((error, result) => error ? failed(error) : done(result)));
  const ways = {
    promise: (db) => db.query('SELECT 1'),
    'promise with values': (db) => db.query('SELECT $1::int', [1]),
    callback: (db) => called((done) => db.query('SELECT 1', done)),
    'callback with values': (db) => called((done) => db.query('SELECT $1::int', [1], done)),
    'config and callback': (db) => called((done) => db.query({ text: 'SELECT 1' }, done)),
  };`;
const inEveryWay = [
  'promise',
  'promise with values',
  'callback',
  'callback with values',
  'config and callback',
];

describe('tracers', () => {
  interface Spans {
    /** Of whom on whom, and in which request. */
    queries: [string, string][];
    withoutParent: string[];
  }

  test.each(['a plain URL', 'discovery'])(
    '%s: OpenTelemetry sees every statement, and no heartbeat',
    async (name) => {
      const { queries, withoutParent } = await run<Spans>(`
      const { trace } = require('@opentelemetry/api');
      const { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } = require('@opentelemetry/sdk-trace-node');
      const { PgInstrumentation } = require('@opentelemetry/instrumentation-pg');
      const exporter = new InMemorySpanExporter();
      new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
      new PgInstrumentation();
      const { Pool } = require('./hotspare.cjs');
      ${statements}
      const tracer = trace.getTracer('app');
      const request = (name, work) => tracer.startActiveSpan(name, async (span) => {
        try { return await work(); } finally { span.end(); }
      });
      (async () => {
        const pool = new Pool({ ...configs[${JSON.stringify(name)}], warmSpare: false });
        for (const [way, ask] of Object.entries(ways)) {
          await request('pool, ' + way, () => ask(pool));
          await request('session, ' + way, async () => {
            const session = await pool.connect();
            await ask(session);
            session.release();
          });
        }
        await sleep(1_000); // some heartbeats
        await pool.end();
        const spans = exporter.getFinishedSpans();
        const nameOf = new Map(spans.map((span) => [span.spanContext().spanId, span.name]));
        const rootOf = (span) => span.parentSpanContext ? nameOf.get(span.parentSpanContext.spanId) : undefined;
        print({
          queries: spans.filter(({ name }) => name.startsWith('pg.query')).map((span) => [span.name, rootOf(span) ?? 'none']),
          withoutParent: spans.filter((span) => !span.parentSpanContext).map(({ name }) => name),
        });
      })();`);
      const requests = inEveryWay.flatMap((way) => [`pool, ${way}`, `session, ${way}`]);
      expect(queries).toEqual(requests.map((request) => ['pg.query:SELECT app', request]));
      expect(withoutParent).toEqual(requests);
    },
  );

  test.each(['a plain URL', 'discovery'])(
    '%s: what a patch of query hears is what the app gave',
    async (name) => {
      const heard = await run<string[]>(`
      const pg = require('pg');
      const { Pool } = require('./hotspare.cjs');
      ${statements}
      (async () => {
        const heard = [];
        const { query } = pg.Client.prototype;
        pg.Client.prototype.query = function (...given) {
          heard.push(given.map((one) => Array.isArray(one) ? 'array' : typeof one).join());
          return query.apply(this, given);
        };
        const pool = new Pool({ ...configs[${JSON.stringify(name)}], warmSpare: false });
        const session = await pool.connect();
        for (const ask of Object.values(ways)) await ask(session);
        session.release();
        await sleep(500);
        await pool.end();
        print(heard);
      })();`);
      expect(heard).toEqual([
        'string',
        'string,array',
        'string,function',
        'string,array,function',
        'object,function',
      ]);
    },
  );
});

describe('async contexts', () => {
  test('the first request is forgotten; listeners run where they were added', async () => {
    const seen = await run<{ forgotten: boolean; heard: unknown[]; left: number; later: unknown }>(
      `
      const { AsyncLocalStorage } = require('node:async_hooks');
      const { Pool } = require('./hotspare.cjs');
      const als = new AsyncLocalStorage();
      (async () => {
        // pg-pool's timer for an idle session belongs to whoever released it last, until it fires.
        const pool = new Pool({ ...configs.discovery, idleTimeoutMillis: 0 });
        const heard = [];
        const listener = () => heard.push(als.getStore());
        const never = () => heard.push('never');
        als.run('the listener', () => { pool.on('mode', listener); pool.once('mode', never); });
        pool.off('mode', never);
        let first;
        await (async () => {
          const store = { of: 'the first request' };
          first = new WeakRef(store);
          await als.run(store, () => Promise.all([pool.query('SELECT 1'), pool.read.query('SELECT 1')]));
        })();
        let later;
        await als.run('a later one', async () => {
          const { rows } = await pool.query('SELECT 1');
          later = als.getStore();
        });
        for (let tries = 0; tries < 100 && first.deref(); tries++) {
          await sleep(50);
          global.gc();
        }
        const forgotten = first.deref() === undefined;
        pool.off('mode', listener);
        print({ forgotten, heard, left: pool.listenerCount('mode'), later });
        await pool.end();
      })();`,
      [process.execPath, '--expose-gc'],
    );
    expect(seen).toEqual({ forgotten: true, heard: ['the listener'], left: 0, later: 'a later one' });
  });
});

/** Changing the user takes root. */
describe.runIf(process.getuid?.() === 0)('a user without HOME and without an entry in /etc/passwd', () => {
  const nobody = ['setpriv', '--reuid=1000660000', '--clear-groups', 'env', '-u', 'HOME', process.execPath];

  test('Pool, Client and Resolver are made, and the pool works', async () => {
    const answer = await run<{ mode: string; members: number }>(
      `
      const { Client, Pool, Resolver } = require('./hotspare.cjs');
      for (const Class of [Pool, Client]) for (const host of ['pg.service.consul', 'localhost']) new Class({ host, user: 'u' });
      new Resolver({ service: 'pg' });
      (async () => {
        const pool = new Pool(configs.discovery);
        await pool.query('SELECT 1');
        print({ mode: pool.mode, members: pool.topology.members.length });
        await pool.end();
      })();`,
      nobody,
    );
    expect(answer).toEqual({ mode: 'read-write', members: 2 });
  });
});

describe('a cache that cannot be written', () => {
  let dns: FakeDns;
  const home = join(folder, 'home');
  beforeAll(async () => {
    mkdirSync(home);
    writeFileSync(join(folder, 'file'), '');
    dns = await FakeDns.start();
    dns.behaviour = (query, send) => {
      const isPrimary = query.questions[0]!.name.startsWith('primary');
      const { host, port } = isPrimary ? pair.primary : pair.standby;
      send(reply(query, { srv: [[`${isPrimary ? 'pg1' : 'pg2'}.node.consul`, port, host]] }));
    };
  });
  afterAll(() => dns?.stop());

  // With the folder there: for a missing one Node says ENOENT instead of EROFS.
  const readOnly =
    'mount -t tmpfs none "$HOME" && mkdir -p "$HOME/.cache/hotspare" && mount -o remount,ro "$HOME" && ! touch "$HOME/x" 2>/dev/null && exec "$@"';
  const rows: [what: string, code: string, command: string[], needsRoot: boolean][] = [
    [
      'a file system that is read-only',
      'EROFS',
      ['env', '-u', 'XDG_CACHE_HOME', `HOME=${home}`, 'unshare', '--mount', 'sh', '-c', readOnly, 'sh'],
      true,
    ],
    [
      "a home that is somebody else's",
      'EACCES',
      ['setpriv', '--reuid=1000660000', '--clear-groups', 'env', '-u', 'XDG_CACHE_HOME', `HOME=${home}`],
      true,
    ],
    [
      'a file where the folder should be',
      'ENOTDIR',
      ['env', `CACHE_DIRECTORY=${join(folder, 'file')}`],
      false,
    ],
  ];
  for (const [what, code, command, needsRoot] of rows)
    // Without root there are neither mounts nor other users.
    test.skipIf(needsRoot && process.getuid?.() !== 0)(
      `${what}: all works, and a warning says so`,
      async () => {
        const found = await run<{ modes: string[]; port: number; warnings: string[] }>(
          `
        const { Pool, Resolver } = require('./hotspare.cjs');
        const discovery = { dns: { host: '127.0.0.1', port: ${dns.port} }, http: false, dnsTimeoutMs: 10_000 };
        const login = { user: 'app', password: 'app', database: 'app', max: 1, host: 'pg.service.consul' };
        (async () => {
          const resolver = new Resolver(discovery);
          const warnings = [];
          resolver.on('warning', ({ message }) => warnings.push(message));
          const pools = [new Pool({ ...login, hotspare: resolver }), new Pool({ ...login, hotspare: discovery })];
          let port;
          for (const pool of pools) {
            await pool.waitForMode('read-write', 30_000);
            ({ port } = (await pool.query('SELECT inet_server_port() AS port')).rows[0]);
          }
          for (let tries = 0; tries < 400 && warnings.length === 0; tries++) await sleep(50);
          print({ modes: pools.map(({ mode }) => mode), port, warnings });
          await Promise.all(pools.map((pool) => pool.end()));
          resolver.close();
        })();`,
          [...command, process.execPath],
        );
        expect(found).toMatchObject({ modes: ['read-write', 'read-write'], port: pair.primary.port });
        expect(found.warnings[0]).toMatch(
          new RegExp(`^last known members: .*(could not be written|ignored): ${code}`),
        );
      },
    );
});

test('a URL with several hosts: the standby first, and writes come to the primary all the same', async () => {
  const [primary, standby] = [pair.primary, pair.standby].map(({ host, port }) => `${host}:${port}`);
  const url = `postgres://app:app@${standby},${primary}/app?target_session_attrs=read-write`;
  const answers = await run<unknown>(`
    const { Client, Pool } = require('./hotspare.cjs');
    (async () => {
      const pool = new Pool({ connectionString: ${JSON.stringify(url)} });
      const client = new Client(${JSON.stringify(url)});
      await client.connect();
      const asked = [pool, client].map((db) => db.query('SELECT inet_server_port() AS port'));
      const ports = (await Promise.all(asked)).map(({ rows }) => rows[0].port);
      print([...ports, pool.topology.members.length]);
      await Promise.all([pool.end(), client.end()]);
    })();`);
  expect(answers).toEqual([pair.primary.port, pair.primary.port, 2]);
});

describe('bundled and minified', () => {
  test('errors have the same names and codes, and are known by another copy', async () => {
    const bundle = {
      entryPoints: ['sidecar/index.ts'],
      bundle: true,
      minify: true,
      platform: 'node' as const,
      format: 'cjs' as const,
      packages: 'external' as const,
    };
    await build({ ...bundle, outfile: join(folder, 'minified.cjs') });
    const found = await run<unknown[]>(`
      const one = require('./minified.cjs');
      const other = require('./hotspare.cjs');
      const classes = Object.entries(one).filter(([name]) => /^[A-Z].*Error$/.test(name) && !/^(Hotspare|Config)/.test(name));
      const errors = classes.map(([name, Class]) => [name, new Class('message')]);
      (async () => {
        const pool = new one.Pool({ host: 'x', hotspare: { hosts: ['127.0.0.1:1'], connectDeadlineMs: 100 } });
        const down = await pool.query('SELECT 1').catch((error) => error);
        await pool.end();
        print([
          errors.filter(([name, error]) => error.name !== name || error.constructor.name !== name).map(([name]) => name),
          errors.length,
          [...errors.map(([, error]) => error), down].every((error) => other.isHotspareError(error) && !(error instanceof other.HotspareError)),
          [down.name, down.code],
          [other.isHotspareError(new Error('x')), other.isHotspareError(null), other.isHotspareError({ code: '25006' })],
        ]);
      })();`);
    expect(found).toEqual([[], 5, true, ['DownError', '57P03'], [false, false, false]]);
  });
});
