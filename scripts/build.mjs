// Builds dist/: every source file transpiled one to one, plus the library's own entry in dist/lib.
//   node scripts/build.mjs           fast, no type check (npm run types does that)
//   node scripts/build.mjs --types   also writes the library's declarations, for publishing
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rooms, stampBuild } from './checkout.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
process.chdir(root);
const { build } = await import('esbuild').catch((error) => {
  if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
  console.error('scripts/build.mjs: esbuild, which builds it, is not installed: run "npm ci" first');
  process.exit(1);
});
const withTypes = process.argv.includes('--types');

const sources = rooms.flatMap((room) =>
  readdirSync(room, { recursive: true })
    .map((file) => join(room, file))
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts')),
);

// Built beside and swapped in, so that a running command never sees half a build.
const out = `dist.new-${process.pid}`;
process.on('exit', () => rmSync(out, { recursive: true, force: true }));
const common = { platform: 'node', target: 'node20', sourcemap: true, logLevel: 'warning' };
await build({ ...common, entryPoints: sources, outdir: out, outbase: '.', format: 'esm' });

// One implementation (CommonJS) and a thin ESM face over it: an app that loads both forms still has
// one Pool class, one set of error classes, one cache.
mkdirSync(`${out}/lib`, { recursive: true });
await build({
  ...common,
  entryPoints: ['sidecar/index.ts'],
  outfile: `${out}/lib/index.cjs`,
  bundle: true,
  packages: 'external',
  format: 'cjs',
});
const { createRequire } = await import('node:module');
const names = Object.keys(createRequire(import.meta.url)(join(root, out, 'lib/index.cjs'))).filter(
  (name) => name !== 'default' && name !== '__esModule',
);
writeFileSync(
  `${out}/lib/index.mjs`,
  `import library from './index.cjs';\n${names.map((name) => `export const ${name} = library.${name};\n`).join('')}`,
);

cpSync('todomvc/public', `${out}/todomvc/public`, { recursive: true });
cpSync('todomvc/migrations', `${out}/todomvc/migrations`, { recursive: true });

if (withTypes) {
  execFileSync(
    process.execPath,
    ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.lib.json', '--outDir', `${out}/types`],
    { stdio: 'inherit' },
  );
  // The declarations are CommonJS ones, like the implementation; the ESM face re-exports them.
  writeFileSync(`${out}/types/package.json`, '{ "type": "commonjs" }\n');
  writeFileSync(`${out}/lib/index.d.cts`, `export * from '../types/sidecar/index.js';\n`);
  writeFileSync(`${out}/lib/index.d.mts`, `export * from '../types/sidecar/index.js';\n`);
}

stampBuild(out);
rmSync('dist', { recursive: true, force: true });
renameSync(out, 'dist');
