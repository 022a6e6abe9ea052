// npm test: everything that can be tested on this machine, from a bare checkout on.
//   npm test                 all of it
//   npm test -- --quick      without the five boxes
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
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
    ...['--reporter=default', '--reporter=json', `--outputFile.json=${join(results, projects.join('-'))}`],
  );

/** The tests that failed, or took their second try, with their first lines: what is printed last is what a long log still shows. */
function failures() {
  const files = readdirSync(results).flatMap((file) => {
    try {
      return JSON.parse(readFileSync(join(results, file), 'utf8')).testResults;
    } catch {
      return []; // A run that was killed left half of it; its own step has failed.
    }
  });
  return files.flatMap(({ name, message, assertionResults }) => {
    const file = relative(process.cwd(), name);
    const told = assertionResults.filter(({ failureMessages }) => failureMessages?.length > 0);
    if (told.length === 0) return message ? [`failed: ${file}\n    ${beginning(message)}`] : [];
    return told.map(({ status, fullName, failureMessages, meta }) => {
      const how = status === 'passed' ? 'passed at the second try' : 'failed';
      const lines = [failureMessages.join('\n'), ...(meta?.told ?? [])].map(
        (text) => `\n    ${beginning(text)}`,
      );
      return `${how}: ${file}: ${fullName}${lines.join('')}`;
    });
  });
}
const beginning = (text) => stripVTControlCharacters(text).split('\n').slice(0, 40).join('\n    ');

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
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  console.log(
    `== ${name}: ${status === 0 ? 'ok' : 'FAILED'} after ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  if (status === 0) continue;
  failed.push(name);
  // Without its programs nothing after it can work.
  if (steps[0][0] === name) break;
}
for (const failure of failures()) console.log(`\n${failure}`);
console.log(
  failed.length === 0
    ? `\n${steps.length} passed, 0 failed`
    : `\n${steps.length - failed.length} passed, ${failed.length} failed: ${failed.join(', ')}`,
);
process.exit(failed.length === 0 ? 0 : 1);
