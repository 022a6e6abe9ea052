import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../../support/postgres.js';
import { registerPair } from '../../support/registered-pair.js';
import { waitFor } from '../../support/wait.js';
import { checkout } from './checkout.js';
import { Program } from './program.js';
import { programOf, snippetsOf, surroundings } from './snippets.js';

let pair: PostgresPair;
let consul: RealConsul;
let here: Awaited<ReturnType<typeof checkout>>;
const programs: Program[] = [];
const holders: pg.Client[] = [];

beforeAll(async () => {
  [pair, consul, here] = await Promise.all([startPostgresPair(), startConsul(), checkout()]);
  await registerPair(consul, pair);
});
afterEach(async () => {
  programs.splice(0).forEach((program) => program.kill());
  await Promise.all(holders.splice(0).map((holder) => holder.end().catch(() => {})));
  await pair.primary.start(); // which a test that failed may have left dead
});
afterAll(async () => {
  await Promise.all([pair?.destroy(), consul?.destroy()]);
  here?.destroy();
});

/** As a deployment gives it to an app; `plain`: a URL that is not Consul's. */
const environment = (plain = false) => ({
  ...process.env,
  NO_COLOR: '1',
  DATABASE_URL: plain ? pair.primary.url() : 'postgres://app:app@pg.service.consul/app',
  CONSUL_HTTP_ADDR: consul.httpUrl,
  HOTSPARE_DNS: `${consul.host}:${consul.dnsPort}`,
  CACHE_DIRECTORY: join(here.folder, 'cache'),
});

function start(
  file: string,
  args: readonly (string | number)[] = [],
  plain = false,
  env: NodeJS.ProcessEnv = environment(plain),
): Program {
  const runner = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  const program = new Program(file, [...runner, `examples/${file}`, ...args.map(String)], {
    cwd: here.folder,
    env,
  });
  programs.push(program);
  return program;
}

const schemas = async () =>
  (
    await pair.primary.query(
      String.raw`SELECT nspname FROM pg_namespace WHERE nspname LIKE 'hotspare\_example%' ORDER BY 1`,
    )
  ).flat();

/**
 * Holds a table, so that who writes stands before it with a statement under way: when the server dies, nobody knows.
 * Not the strongest lock: that one would be held on the replica as well.
 */
async function hold(server: RealPostgres, table: string): Promise<void> {
  const client = new pg.Client({ connectionString: server.url('postgres') });
  holders.push(client);
  client.on('error', () => {}); // it dies with the server
  await client.connect();
  await client.query(`BEGIN; LOCK TABLE ${table} IN EXCLUSIVE MODE`);
}

const underWay = (server: RealPostgres, table: string) =>
  waitFor(`a write to ${table} that waits for the lock`, eventuallyMs, async () => {
    const rows = await server.query(
      "SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ILIKE $1",
      [`%insert into %hotspare_example_${table}%`],
    );
    return rows.length > 0;
  });

test('every file in examples/ stands in its README, and no other', () => {
  const listed = [...readFileSync('examples/README.md', 'utf8').matchAll(/^\| \[([^\]]+)\]\(\1\) /gm)];
  const files = readdirSync('examples').filter((name) => name !== 'README.md');
  expect(listed.map(([, name]) => name).sort()).toEqual(files.sort());
});

test('links of the examples and of docs/SWAP.md lead somewhere', () => {
  for (const page of ['examples/README.md', 'docs/SWAP.md']) {
    for (const [, file, anchor] of readFileSync(page, 'utf8').matchAll(
      /\]\((?!https?:)([^)#]*)#?([^)]*)\)/g,
    )) {
      const target = file ? join(dirname(page), file) : page;
      const text = readFileSync(target, 'utf8');
      if (anchor) expect([target, ...headings(text)]).toContain(anchor);
    }
  }
});

/** As GitHub names them. */
const headings = (text: string) =>
  [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );

test('TypeScript --strict: the examples that are written in it', { timeout: 180_000 }, async () => {
  const config = {
    extends: resolve('tsconfig.json'),
    compilerOptions: { rootDir: resolve('.'), paths: { hotspare: [resolve('sidecar/index.ts')] } },
    include: [resolve('examples/*.ts')],
    exclude: [],
  };
  const file = join(here.folder, 'check.json');
  writeFileSync(file, JSON.stringify(config));
  const tsc = new Program('tsc', [resolve('node_modules/typescript/bin/tsc'), '-p', file, '--noEmit'], {
    cwd: process.cwd(),
    env: process.env,
  });
  programs.push(tsc);
  // The compiler takes two seconds on a quiet machine, and a minute on a busy one.
  expect([await tsc.code(170_000), tsc.output]).toEqual([0, '']);
});

describe('the examples while the primary is killed and comes back', () => {
  test('all of them at once', { timeout: 120_000 }, async () => {
    const { primary } = pair;
    const [port] = (await freePorts(1)) as [number];
    const watch = start('watch.mjs');
    const server = start('server.mjs', ['--port', port]);
    const worker = start('worker.mjs', ['--jobs', 100]);
    const reader = start('read-your-writes.mjs', ['--writes', 300]);
    const listener = start('listen.mjs', ['--messages', 8]);
    const drizzle = start('drizzle.ts', ['--orders', 40]);
    const ask = async (method: string, path: string, body?: string) => {
      const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, ...(body ? { body } : {}) });
      return { status: response.status, headers: response.headers, body: (await response.json()) as unknown };
    };

    /** Stopped in the middle of a write, until the server dies: however slow the others are, this one does not finish. */
    const stopped = async (program: Program, middle: RegExp, table: string) => {
      await program.printed(middle);
      await hold(primary, `hotspare_example_${table.replaceAll('"', '')}`);
      await underWay(primary, table);
    };
    await Promise.all([
      watch.printed(/read-write +writes \S+:\d+ +reads \S+:\d+/),
      stopped(worker, /two workers/, 'worker.jobs'),
      stopped(reader, /100 writes/, 'ryw.notes'),
      stopped(listener, /heard {2}message 1\n/, 'listen.messages'),
      stopped(drizzle, /10 orders placed/, 'drizzle"."orders'),
    ]);
    await waitFor('a note', eventuallyMs, async () => (await ask('PUT', '/notes/a', 'one')).status === 200);
    // Read on the replica, which shows the table a moment later.
    await waitFor('the note', eventuallyMs, async () => (await ask('GET', '/notes')).status === 200);
    await hold(primary, 'hotspare_example_server.notes');
    const unanswered = ask('PUT', '/notes/b', 'two');
    await underWay(primary, 'server.notes');
    const before = watch.output.length;
    primary.kill();

    expect(await unanswered).toMatchObject({ status: 504, body: { code: 'unknown' } });
    await watch.printed(/read-only +(the primary|its)/, before);
    await watch.printed(/read-only +writes nobody.*≥ \d+ bytes behind/, before);
    await server.printed(/read-only/);
    const refused = await ask('PUT', '/notes/b', 'two');
    expect(refused).toMatchObject({ status: 503, body: { code: 'read-only' } });
    expect(refused.headers.get('retry-after')).toBe('2');
    const list = await ask('GET', '/notes');
    expect(list).toMatchObject({ status: 200, body: [{ id: 'a', text: 'one' }] });
    expect(list.headers.get('x-database-mode')).toBe('read-only');
    expect(await ask('GET', '/healthz')).toMatchObject({ status: 200, body: { mode: 'read-only' } });
    await Promise.all([
      worker.printed(/adding job \d+: nobody knows/),
      reader.printed(/waiting: /),
      listener.printed(/the listener (lost its connection|waits)/),
      drizzle.printed(/ReadOnlyError; the list still has \d+/),
    ]);

    await primary.start();
    await watch.printed(/read-only[^]*read-write/, before);
    await server.printed(/read-only[^]*read-write/);
    expect(await ask('PUT', '/notes/b', 'two')).toMatchObject({ status: 200 });

    expect([await worker.code(), worker.output]).toEqual([
      0,
      expect.stringMatching(
        /added 100, done 100\n.*outcome unknown: [1-9]\d*\nlost 0, done twice 0, half done 0/,
      ),
    ]);
    expect([await reader.code(), reader.output]).toEqual([
      0,
      expect.stringMatching(/with its token: {2}0 not seen yet/),
    ]);
    expect([await listener.code(), listener.output]).toEqual([
      0,
      expect.stringMatching(/sent 8, heard 8, each once and in order/),
    ]);
    expect([await drizzle.code(), drizzle.output]).toEqual([
      0,
      expect.stringMatching(/40 orders placed, 40 there/),
    ]);
    expect([await watch.interrupt().code(), watch.output]).toEqual([
      0,
      expect.stringMatching(/\d+ reads, 0 failed, slowest \d+ ms\n$/),
    ]);
    expect([await server.interrupt().code(), server.output]).toEqual([0, expect.stringMatching(/ending\n$/)]);
    // The server's notes are meant to stay.
    expect(await schemas()).toEqual(['hotspare_example_server']);
  });
});

describe('the examples while nothing happens', () => {
  test('the report is answered by the replica; clean removes what is there', async () => {
    const report = start('report.cjs');
    // By the replica, unless that had not proved itself yet.
    const { primary, standby } = pair;
    expect([await report.code(), report.output]).toEqual([
      0,
      expect.stringMatching(`answered by \\S+:(${standby.port}, a replica|${primary.port}, the primary)\n$`),
    ]);
    await pair.primary.query('CREATE SCHEMA IF NOT EXISTS hotspare_example_server AUTHORIZATION app');
    await pair.primary.query('ALTER SCHEMA hotspare_example_server OWNER TO app');
    const clean = start('clean.mjs');
    expect([await clean.code(), clean.output]).toEqual([0, 'removed hotspare_example_server\n']);
    expect(await schemas()).toEqual([]);
  });

  test('Ctrl-C in the middle: they end, and nothing is left', async () => {
    const [worker, reader, listener, drizzle] = [
      start('worker.mjs'),
      start('read-your-writes.mjs'),
      start('listen.mjs'),
      start('drizzle.ts'),
    ];
    await Promise.all([
      worker.printed(/two workers/),
      reader.printed(/100 writes/),
      listener.printed(/heard/),
      drizzle.printed(/10 orders/),
    ]);
    for (const program of [worker, reader, listener, drizzle])
      expect([await program.interrupt().code(), program.output]).toEqual([0, expect.anything()]);
    expect(worker.output).toMatch(/lost 0, done twice 0, half done 0/);
    expect(await schemas()).toEqual([]);
  });

  test('with a plain URL they do the same, without a replica', async () => {
    const [port] = (await freePorts(1)) as [number];
    const ending = [
      [start('worker.mjs', ['--jobs', 5], true), /added 5, done 5\n[^]*lost 0/],
      [start('read-your-writes.mjs', ['--writes', 5], true), /with its token: {2}0 not seen yet/],
      [start('listen.mjs', ['--messages', 2], true), /sent 2, heard 2, each once/],
      [start('drizzle.ts', ['--orders', 3], true), /3 orders placed, 3 there/],
      [start('report.cjs', [], true), /answered by \S+, the primary/],
    ] as const;
    const watch = start('watch.mjs', [], true);
    const server = start('server.mjs', ['--port', port], true);
    await watch.printed(/read-write/);
    await server.printed(/listening/);
    await waitFor('a note', eventuallyMs, async () => {
      const { status } = await fetch(`http://127.0.0.1:${port}/notes/a`, { method: 'PUT', body: 'one' });
      return status === 200;
    });
    for (const program of [watch, server]) expect(await program.interrupt().code()).toBe(0);
    for (const [program, wanted] of ending)
      expect([await program.code(), program.output]).toEqual([0, expect.stringMatching(wanted)]);
  });

  test('without a lab and without a URL they say what to do', async () => {
    const { DATABASE_URL: _, ...rest } = environment();
    const lost = new Program('watch.mjs', ['examples/watch.mjs'], {
      cwd: here.folder,
      env: { ...rest, HOTSPARE_LAB_DIR: join(here.folder, 'no-lab') },
    });
    programs.push(lost);
    expect([await lost.code(), lost.output]).toEqual([
      2,
      expect.stringMatching(/The lab is not up[^]*npm start[^]*DATABASE_URL/),
    ]);
  });

  test('--help is the comment at the top, of each, with no lab either; a number that is none is refused', async () => {
    const { DATABASE_URL: _, ...rest } = environment();
    const shared = ['http-answers.mjs', 'lab.cjs', 'terminal.mjs'];
    const files = readdirSync('examples').filter(
      (name) => /\.[cm]?[jt]s$/.test(name) && !shared.includes(name),
    );
    expect(files.length).toBeGreaterThan(6);
    for (const file of files) {
      const asked = start(file, ['--help'], false, {
        ...rest,
        HOTSPARE_LAB_DIR: join(here.folder, 'no-lab'),
      });
      const [first] = readFileSync(join('examples', file), 'utf8').split('\n');
      expect([file, await asked.code(), asked.output.split('\n')[0]]).toEqual([file, 0, first!.slice(3)]);
      expect(asked.output).toMatch(/\n {2}(node|npx tsx) examples\/\S+/);
      expect(asked.output).not.toContain('import ');
    }
    for (const [file, name] of [
      ['drizzle.ts', 'orders'],
      ['worker.mjs', 'jobs'],
      ['listen.mjs', 'messages'],
    ] as const)
      for (const value of ['x', '0']) {
        const refused = start(file, [`--${name}`, value]);
        expect([await refused.code(), refused.output]).toEqual([
          2,
          `--${name} needs a whole number above 0\n`,
        ]);
      }
  });
});

describe('docs/SWAP.md', () => {
  const { unmarked, taken, run } = snippetsOf(readFileSync('docs/SWAP.md', 'utf8'));

  test('shows no JavaScript that is neither run nor taken from an example', () => {
    expect(unmarked).toEqual([]);
    expect(run.map(({ name }) => name).sort()).toEqual(Object.keys(surroundings).sort());
    for (const { file, code } of taken) expect(readFileSync(file, 'utf8')).toContain(code);
  });

  test('both sides of each comparison run: before with pg, after with a plain URL and with discovery', async () => {
    await pair.primary.query(
      'CREATE TABLE orders (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), what text NOT NULL)',
    );
    await pair.primary.query('ALTER TABLE orders OWNER TO app');
    const members = [pair.primary, pair.standby].map(({ host, port }) => `${host}:${port}`);
    const runs = run.flatMap(({ name, before, after }) => {
      const around = surroundings[name]!;
      const code = after.replace('10.0.0.11:5432', members[0]!).replace('10.0.0.12:5432', members[1]!);
      return [
        ...(before === null
          ? []
          : [{ name, as: 'before', plain: true, text: programOf(before, around, true) }]),
        { name, as: 'after-plain', plain: true, text: programOf(code, around, false) },
        { name, as: 'after', plain: false, text: programOf(code, around, false) },
      ];
    });
    const steps = runs.map(({ name, as, plain, text }) => {
      const file = `${as}-${name}.${name === 'commonjs' ? 'cjs' : 'mjs'}`;
      writeFileSync(join(here.folder, file), text.replaceAll('hotspare/examples/', './examples/'));
      const { DATABASE_URL } = environment(plain);
      return `console.log('${as} ${name}:'); process.env.DATABASE_URL = '${DATABASE_URL}';
        await (await import('./${file}')).default;`;
    });
    writeFileSync(join(here.folder, 'all.mjs'), steps.join('\n'));
    const all = new Program('the snippets', ['all.mjs'], { cwd: here.folder, env: environment() });
    programs.push(all);
    const code = await all.code();
    const expected = runs.map(({ name, as }) => `${as} ${name}:\n${surroundings[name]!.prints}\n`).join('');
    expect([code, all.output]).toEqual([0, expected]);
  });
});
