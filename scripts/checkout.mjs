// Makes a checkout runnable: npm packages installed, dist/ built; each step only when needed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packagesToInstall } from './packages.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Folders of sources. */
export const rooms = [
  'agent',
  'keeper',
  'sidecar',
  'common',
  'cli',
  'status',
  'todomvc',
  'lab',
  'setup',
  'provision',
  'vagrant',
  'bench',
];
const stamp = 'dist/.hotspare-stamp';

/** @param {'run' | 'all'} wanted  'run': what a command needs; 'all': what the tests need as well */
export function prepareCheckout(wanted) {
  const install = packagesToInstall(
    wanted,
    json('package-lock.json'),
    json('node_modules/.package-lock.json'),
  );
  if (install !== undefined)
    step('npm packages', 'npm', [
      'ci',
      install === 'run' ? '--omit=dev' : '--include=dev',
      ...['--loglevel=error', '--no-fund', '--no-audit'],
    ]);
  if (!existsSync(join(root, stamp)) || readFileSync(join(root, stamp), 'utf8') !== digestOfSources())
    step('build', process.execPath, ['scripts/build.mjs']);
}

/** What the build writes down, so that what is built already is not built again. */
export function stampBuild(folder) {
  writeFileSync(join(root, folder, '.hotspare-stamp'), digestOfSources());
}

function json(file) {
  try {
    return JSON.parse(readFileSync(join(root, file), 'utf8'));
  } catch (error) {
    // Without it, node_modules was not made by npm, or not to the end.
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function step(name, command, args) {
  process.stderr.write(`hotspare: ${name} ...`);
  const started = performance.now();
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status !== 0) {
    const said = result.error ? result.error.message : `${result.stdout}${result.stderr}`.trim();
    const shown = [command === process.execPath ? 'node' : command, ...args].join(' ');
    process.stderr.write(`\nhotspare: "${shown}" failed:\n${said}\n`);
    process.exit(1);
  }
  process.stderr.write(` ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function digestOfSources() {
  const hash = createHash('sha256');
  for (const room of [...rooms, 'scripts'].filter((room) => existsSync(join(root, room)))) {
    const files = readdirSync(join(root, room), { recursive: true })
      .map((file) => join(room, file))
      .filter((file) => statSync(join(root, file)).isFile())
      .sort();
    for (const file of files) {
      hash.update(`${file}\0`);
      hash.update(readFileSync(join(root, file)));
    }
  }
  return hash.digest('hex');
}
