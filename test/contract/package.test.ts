import { execFile } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { build, transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';

// The TypeScript compiler takes seconds on a quiet machine, and a minute on a busy one.
vi.setConfig({ testTimeout: 300_000 });

/** The package as npm would publish it, unpacked into an app that has `pg` and nothing else of ours. */
const folder = mkdtempSync(join(tmpdir(), 'hotspare-package-'));
const app = join(folder, 'app');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const executed = promisify(execFile);

/** Not the synchronous kind: a test's process that answers nothing for a minute is given up by the runner. */
async function run(command: string, args: string[], cwd: string): Promise<string> {
  try {
    return (await executed(command, args, { cwd, maxBuffer: 64 * 1024 * 1024 })).stdout;
  } catch (error) {
    const { code, stdout, stderr } = error as { code?: unknown; stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}:\n${stdout}${stderr}`);
  }
}

beforeAll(async () => {
  const source = join(folder, 'source');
  const tracked = (await run('git', ['ls-files', '--cached', '--others', '--exclude-standard'], '.')).split(
    '\n',
  );
  for (const file of tracked.filter((name) => name !== '' && !name.startsWith('test/'))) {
    cpSync(file, join(source, file), { recursive: true });
  }
  symlinkSync(resolve('node_modules'), join(source, 'node_modules'));
  await run('npm', ['pack', '--silent', '--pack-destination', folder], source);
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;
  mkdirSync(join(app, 'node_modules', 'hotspare'), { recursive: true });
  await run(
    'tar',
    ['-xzf', join(folder, tarball), '--strip-components=1', '-C', join(app, 'node_modules', 'hotspare')],
    '.',
  );
  for (const name of readdirSync('node_modules').filter(
    (entry) => !entry.startsWith('.') && entry !== 'hotspare',
  )) {
    symlinkSync(resolve('node_modules', name), join(app, 'node_modules', name));
  }
}, 180_000);

const file = (name: string, text: string) => {
  writeFileSync(join(app, name), text);
  return name;
};

const use = `
  const pool = new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none', connectionTimeoutMillis: 20000 });
  if (!(pool instanceof pg.Pool) || !(pool.read instanceof pg.Pool)) throw new Error('not a pg.Pool');
  pool.query('SELECT 1').then(() => { throw new Error('answered'); }, (error) => console.log(error.code)).then(() => pool.end());
`;

async function compile(...args: string[]): Promise<string> {
  const tsc = resolve('node_modules/typescript/bin/tsc');
  const flags = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--types', 'node'];
  return run(process.execPath, [tsc, ...flags, ...args], app);
}

describe('the package', () => {
  test('holds what it runs and no sources, tests or secrets', () => {
    const files = readdirSync(join(app, 'node_modules', 'hotspare'), { recursive: true, encoding: 'utf8' });
    expect(files).toContain('bin/hotspare.mjs');
    expect(files).toContain('provision/templates/consul.json.hbs');
    expect(files.filter((name) => /^(test|sidecar|agent|\.ci)\b/.test(name))).toEqual([]);
  });

  test('ESM: imports, fails as pg does, ends by itself', async () => {
    const name = file('a.mjs', `import pg from 'pg';\nimport { Pool } from 'hotspare';\n${use}`);
    expect(await run(process.execPath, [name], app)).toBe('ECONNREFUSED\n');
  });

  test('CommonJS: the same', async () => {
    const name = file('a.cjs', `const pg = require('pg');\nconst { Pool } = require('hotspare');\n${use}`);
    expect(await run(process.execPath, [name], app)).toBe('ECONNREFUSED\n');
  });

  test('both at once share one Pool and one set of errors', async () => {
    const name = file(
      'b.mjs',
      `import { createRequire } from 'node:module';
       import * as esm from 'hotspare';
       const cjs = createRequire(import.meta.url)('hotspare');
       console.log(esm.Pool === cjs.Pool, esm.ReadOnlyError === cjs.ReadOnlyError);`,
    );
    expect(await run(process.execPath, [name], app)).toBe('true true\n');
  });

  test('TypeScript --strict, as mts and cts', async () => {
    const text = `import { Pool, Client, Resolver, ReadOnlyError, type Mode } from 'hotspare';
       const pool = new Pool({ host: 'pg.service.consul', max: 3, writeWaitMs: 100, hotspare: { refreshMs: 1000 } });
       pool.on('mode', (mode, { since, reason }) => { const m: Mode = mode; console.log(m, since.getTime(), reason.length); });
       export async function main(): Promise<number> {
         const { rows } = await pool.query<{ n: number }>('SELECT 1 AS n');
         await pool.transaction((client) => client.query('SELECT 1'), { retry: true });
         const resolver = new Resolver({ service: 'pg' });
         const { host, port } = await resolver.primary();
         await new Client({ host, port }).connect();
         try { await pool.read.query('SELECT 1'); } catch (error) { if (error instanceof ReadOnlyError) return error.message.length; }
         return rows[0]?.n ?? 0;
       }`;
    expect(await compile(file('c.mts', text), file('c.cts', text))).toBe('');
  });

  test('the command runs from the package', async () => {
    const bin = join('node_modules', 'hotspare', 'bin', 'hotspare.mjs');
    expect(await run(process.execPath, [bin, '--version'], app)).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe('the package, installed by npm into an empty project', () => {
  let pair: PostgresPair;
  const installed = join(folder, 'installed');

  beforeAll(async () => {
    mkdirSync(installed);
    writeFileSync(join(installed, 'package.json'), '{ "private": true }');
    const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz')) as string;
    const packages = [join(folder, tarball), 'pg', '@types/pg', '@types/node@20', 'typescript@5'];
    const quietly = ['--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error'];
    [pair] = await Promise.all([
      startPostgresPair(),
      run('npm', ['install', ...quietly, ...packages], installed),
    ]);
  }, 300_000);
  afterAll(() => pair?.destroy());

  /** An empty project of that sort with this program in it. */
  function project(name: string, manifest: object, file: string, text: string): string {
    const at = join(folder, name);
    mkdirSync(at);
    symlinkSync(join(installed, 'node_modules'), join(at, 'node_modules'));
    writeFileSync(join(at, 'package.json'), JSON.stringify({ private: true, ...manifest }));
    writeFileSync(join(at, file), text);
    return at;
  }

  /** Writes on the primary, reads on the replica, and neither ends its pool nor the process. */
  const program = () => {
    const hosts = JSON.stringify([pair.primary, pair.standby].map(({ host, port }) => ({ host, port })));
    return `
      const pool = new Pool({ user: 'app', password: 'app', database: 'app', allowExitOnIdle: true, hotspare: { hosts: ${hosts} } });
      const port = async (db: Pool | Pool['read']): Promise<number> =>
        (await db.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;
      port(pool)
        .then(async (primary) => {
          while (pool.topology.replicas.length === 0) await new Promise((wait) => setTimeout(wait, 20));
          console.log(primary, await port(pool.read), pool.mode);
        })
        .catch((error: unknown) => {
          if (error instanceof DownError) process.exitCode = 2;
          throw error;
        });
    `;
  };
  const withoutTypes = () => transformSync(program(), { loader: 'ts' }).code;
  const served = () => `${pair.primary.port} ${pair.standby.port} read-write\n`;

  test('ESM: imports, a query on each member, a clean exit', async () => {
    const text = `import { DownError, Pool } from 'hotspare';\n${withoutTypes()}`;
    const at = project('esm', { type: 'module' }, 'index.js', text);
    expect(await run(process.execPath, ['index.js'], at)).toBe(served());
  });

  test('CommonJS: the same', async () => {
    const text = `const { DownError, Pool } = require('hotspare');\n${withoutTypes()}`;
    const at = project('cjs', {}, 'index.js', text);
    expect(await run(process.execPath, ['index.js'], at)).toBe(served());
  });

  test.each([
    ['typescript-esm', { type: 'module' }],
    ['typescript-cjs', { type: 'commonjs' }],
  ])('%s: the same, compiled with --strict and the declarations checked', async (name, manifest) => {
    const text = `import { DownError, Pool } from 'hotspare';\n${program()}`;
    const at = project(name, manifest, 'index.ts', text);
    const flags = ['--strict', '--skipLibCheck', 'false', '--module', 'nodenext', '--target', 'es2022'];
    await run(join('node_modules', '.bin', 'tsc'), [...flags, '--types', 'node', 'index.ts'], at);
    expect(await run(process.execPath, ['index.js'], at)).toBe(served());
  });
});

describe('the package beside ORMs', () => {
  const fails = `
    const db = drizzle(new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' }));
    db.execute('SELECT 1').catch((error) => console.log(error.name, error.cause.code)).then(() => db.$client.end());`;

  test.each([
    [
      'drizzle.mjs',
      `import { drizzle } from 'drizzle-orm/node-postgres';\nimport { Pool } from 'hotspare';\n${fails}`,
    ],
    [
      'drizzle.cjs',
      `const { drizzle } = require('drizzle-orm/node-postgres');\nconst { Pool } = require('hotspare');\n${fails}`,
    ],
  ])('%s: Drizzle on a Pool', async (name, text) => {
    expect(await run(process.execPath, [file(name, text)], app)).toBe('Error ECONNREFUSED\n');
  });

  test('TypeScript --strict: every recipe, and Drizzle in CommonJS', async () => {
    const recipes = resolve('test/orm/recipes');
    cpSync(recipes, join(app, 'recipes'), { recursive: true });
    file('recipes/package.json', '{ "type": "module" }');
    const names = readdirSync(recipes).filter((name) => name.endsWith('.ts'));
    for (const name of names) {
      const text = readFileSync(join(recipes, name), 'utf8');
      file(`recipes/${name}`, text.replaceAll('../../../sidecar/index.js', 'hotspare'));
    }
    const commonJs = file(
      'drizzle.cts',
      `import { drizzle } from 'drizzle-orm/node-postgres';
       import { Pool, type PoolConfig } from 'hotspare';
       export const connect = (config: PoolConfig) => drizzle(new Pool(config));
       export const endOf = (db: ReturnType<typeof connect>): Promise<void> => db.$client.end();`,
    );
    // Drizzle's and Knex's own declarations want the types of every driver there is.
    expect(await compile('--skipLibCheck', commonJs, ...names.map((name) => join('recipes', name)))).toBe('');
  });

  test('every recipe can be imported by Node itself, which knows fewer named exports than bundlers do', async () => {
    const recipes = resolve('test/orm/recipes');
    const out = join(app, 'recipes-run');
    const files = readdirSync(recipes).filter((name) => name.endsWith('.ts'));
    await build({
      entryPoints: [...files, 'generated/prisma/client.ts'].map((name) => join(recipes, name)),
      outdir: out,
      outbase: recipes,
      format: 'esm',
    });
    file('recipes-run/package.json', '{ "type": "module" }');
    for (const name of ['schema.prisma', 'generated/prisma/model.json'])
      cpSync(join(recipes, name), join(out, name));
    const names = files.map((name) => name.replace(/ts$/, 'js'));
    for (const name of names) {
      const text = readFileSync(join(out, name), 'utf8');
      file(`recipes-run/${name}`, text.replaceAll('../../../sidecar/index.js', 'hotspare'));
    }
    const all = file(
      'recipes-run/all.js',
      names.map((name) => `import('./${name}').then((recipe) => console.log(typeof recipe));`).join('\n'),
    );
    expect(await run(process.execPath, [all], app)).toBe('object\n'.repeat(names.length));
  });

  test('two copies of pg: a warning with both folders, once', async () => {
    const other = join(folder, 'two-copies');
    cpSync(join(app, 'node_modules', 'hotspare'), join(other, 'node_modules', 'hotspare'), {
      recursive: true,
    });
    cpSync(resolve('node_modules/pg'), join(other, 'node_modules', 'hotspare', 'node_modules', 'pg'), {
      recursive: true,
    });
    for (const name of readdirSync('node_modules').filter((n) => n !== 'hotspare' && !n.startsWith('.')))
      symlinkSync(resolve('node_modules', name), join(other, 'node_modules', name));
    const app2 = join(other, 'app.mjs');
    writeFileSync(
      app2,
      `import { Pool } from 'hotspare';
       import pg from 'pg';
       process.on('warning', ({ name, code, message }) => console.log(name, code, message));
       const pools = [1, 2].map(() => new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' }));
       console.log(pools[0] instanceof pg.Pool);
       setTimeout(() => {}, 50);`,
    );
    const lines = (await run(process.execPath, [app2], other)).trimEnd().split('\n');
    expect(lines).toEqual(['false', expect.stringMatching(/^HotspareWarning HOTSPARE_PG_COPIES /)]);
    const ours = join(other, 'node_modules', 'hotspare', 'node_modules', 'pg');
    expect(lines[1]).toContain(`hotspare uses ${ours} (8.`);
    expect(lines[1]).toContain(`beside it there is ${realpathSync('node_modules/pg')} (8.`);
    expect(lines[1]).toContain('npm dedupe');
  });

  test('one copy of pg: no warning', async () => {
    const name = file(
      'quiet.mjs',
      `import 'drizzle-orm/node-postgres';
       import '@prisma/adapter-pg';
       import { Pool } from 'hotspare';
       process.on('warning', (warning) => console.log(warning));
       new Pool({ connectionString: 'postgres://nobody@127.0.0.1:1/none' });
       setTimeout(() => {}, 50);`,
    );
    expect(await run(process.execPath, [name], app)).toBe('');
  });
});
