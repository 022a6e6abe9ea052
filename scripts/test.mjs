// npm test: everything that can be tested on this machine, from a bare checkout on.
//   npm test                 all of it
//   npm test -- --quick      without the five boxes
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));
const quick = process.argv.includes('--quick');
const tool = (name, ...args) => [process.execPath, join('node_modules', ...name.split('/')), ...args];
const results = mkdtempSync(join(tmpdir(), 'hotspare-results-'));
process.on('exit', () => rmSync(results, { recursive: true, force: true }));
const vitest = (...projects) =>
  tool(
    'vitest/vitest.mjs',
    'run',
    ...projects.flatMap((name) => ['--project', name]),
    ...['--reporter=default', '--reporter=./scripts/failures.mjs'],
  );

/** What went wrong, step by step: what is printed last is what a long log still shows. */
const failures = () => readdirSync(results).map((file) => readFileSync(join(results, file), 'utf8').trim());

await prepare('all');
const steps = [
  ['programs the boxes need', [process.execPath, 'bin/hotspare.mjs', 'setup', '--for-tests']],
  ['format', tool('prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.')],
  ['lint', tool('eslint/bin/eslint.js', '.', '--max-warnings', '0')],
  ['types', tool('typescript/bin/tsc', '--noEmit')],
  ['unit, simulation and contract tests', vitest('unit', 'contract')],
  ...(quick
    ? []
    : [
        ['the five boxes', vitest('lab')],
        [
          'the primary lost under every ORM',
          // A hang, also on a machine that is slow or busy; the soak's own 5 s are for a quiet one.
          tool('tsx/dist/cli.mjs', 'test/soak/main.ts', '--failovers', '9', '--deadline-ms', '15000'),
        ],
        ['five real boxes', [process.execPath, 'scripts/test-boxes.mjs']],
      ]),
];
const failed = [];
for (const [name, [command, ...args]] of steps) {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const env = { ...process.env, HOTSPARE_FAILURES: join(results, String(started)) };
  const { status, signal } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'], env });
  console.log(
    `== ${name}: ${status === 0 ? 'ok' : `FAILED with ${signal ?? status}`} after ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  if (status === 0) continue;
  failed.push(name);
  // Without its programs nothing after it can work.
  if (steps[0][0] === name) break;
}
for (const failure of failures().filter(Boolean)) console.log(`\n${failure}`);
console.log(
  failed.length === 0
    ? `\n${steps.length} passed, 0 failed`
    : `\n${steps.length - failed.length} passed, ${failed.length} failed: ${failed.join(', ')}`,
);
process.exit(failed.length === 0 ? 0 : 1);
