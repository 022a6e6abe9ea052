// Makes a checkout runnable: Node new enough, npm packages installed, dist/ built; each step only when needed.
// In an installed package (no sources beside it) there is nothing to do.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const minimum = [20, 19];

export async function prepare() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
    fail(
      `Node.js ${minimum.join('.')} or newer is needed; this is ${process.versions.node} (${process.execPath}).`,
    );
  }
  if (!existsSync(join(root, 'tsconfig.json'))) return;
  step('npm packages', 'node_modules/.hotspare-stamp', digest(['package-lock.json', 'package.json']), () =>
    run('npm', ['ci', '--loglevel=error', '--no-fund', '--no-audit']),
  );
  step('build', 'dist/.hotspare-stamp', digest(sources()), () =>
    run(process.execPath, ['scripts/build.mjs']),
  );
}

function step(name, stampFile, wanted, work) {
  const stamp = join(root, stampFile);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  process.stderr.write(`hotspare: ${name} ...`);
  const started = performance.now();
  work();
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, wanted);
  process.stderr.write(` ${((performance.now() - started) / 1000).toFixed(1)} s\n`);
}

function run(command, args) {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  const said = result.error ? result.error.message : `${result.stdout}${result.stderr}`.trim();
  fail(`\n"${[command === process.execPath ? 'node' : command, ...args].join(' ')}" failed:\n${said}`);
}

function sources() {
  const rooms = [
    'agent',
    'sidecar',
    'common',
    'cli',
    'todomvc',
    'lab',
    'provision',
    'vagrant',
    'bench',
    'scripts',
  ];
  return rooms.flatMap((room) =>
    existsSync(join(root, room))
      ? readdirSync(join(root, room), { recursive: true })
          .map((file) => join(room, file))
          .filter((file) => statSync(join(root, file)).isFile())
          .sort()
      : [],
  );
}

function digest(files) {
  const hash = createHash('sha256');
  for (const file of files) {
    hash.update(`${file}\0`);
    hash.update(readFileSync(join(root, file)));
  }
  return hash.digest('hex');
}

function fail(message) {
  process.stderr.write(`hotspare: ${message.trimStart()}\n`);
  process.exit(1);
}
