// npm run test:boxes: the five real boxes, made by "vagrant up" as containers of this machine.
// Installs what it needs on a Debian machine, builds the box, runs the tests and a short chaos. Where boxes cannot be: says why and how to
// mend it, and ends well.
//   HOTSPARE_TEST_ALL=1    the rows that take minutes as well, and every port there is
//   HOTSPARE_BUSY=1       with all cores taken by something else meanwhile
//   HOTSPARE_TEST_KEEP=1   leave the boxes there, and use those that are there
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from './prepare.mjs';

process.chdir(join(dirname(fileURLToPath(import.meta.url)), '..'));

function whyNot() {
  if (process.platform !== 'linux') return 'they are containers of LXC, and this is no Linux';
  if (process.getuid() !== 0) return 'making containers needs root. Mend: sudo npm run test:boxes';
  const sandbox = whySandbox();
  if (sandbox !== undefined)
    return `this machine lets root make no containers (${sandbox}). Mend: run it on a machine of its own, or in a privileged container`;
  if (!existsSync('/usr/bin/apt-get') && spawnSync('vagrant', ['--version']).error)
    return 'there is no Vagrant, and no apt-get to install it with. Mend: install vagrant, vagrant-lxc, mmdebstrap and zstd';
  return undefined;
}

function whySandbox() {
  if (!/^\s*0\s+0\s+4294967295\s*$/.test(readFileSync('/proc/self/uid_map', 'utf8')))
    return 'it is root of a user namespace only';
  for (const [program, ...args] of [
    ['unshare', '--mount', '--net', '--pid', '--uts', '--ipc', '--fork', 'true'],
    ['ip', 'link', 'add', 'name', 'hst-probe', 'type', 'bridge'],
  ]) {
    const { error, status, stderr } = spawnSync(program, args, { encoding: 'utf8' });
    // A program that is missing is installed further down.
    if (!error && status !== 0) return stderr.trim();
  }
  spawnSync('ip', ['link', 'delete', 'hst-probe']);
  return undefined;
}

function step(name, [command, ...args], well = { 0: 'ok' }) {
  const started = performance.now();
  const { status } = spawnSync(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const ended = well[status ?? -1];
  console.log(
    `-- ${name}: ${ended ?? 'FAILED'} after ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  if (ended === undefined) process.exit(status ?? 1);
}

const why = whyNot();
if (why !== undefined) {
  console.log(`\nSKIPPED: the five real boxes were not tested: ${why}\n`);
  process.exit(0);
}
await prepare('all');
const node = (file, ...args) => [process.execPath, join(...file.split('/')), ...args];
step('programs the boxes need', node('bin/hotspare.mjs', 'setup', '--for-tests', '--for-boxes'));
step('the box', ['vagrant/build-lxc-box']);
step(
  'tests',
  node(
    'node_modules/vitest/vitest.mjs',
    ...['run', '--project', 'boxes', '--reporter=default', '--reporter=./scripts/failures.mjs'],
  ),
);
step(
  'short chaos',
  node('node_modules/tsx/dist/cli.mjs', 'test/chaos/main.ts', '--faults', '8', '--minutes', '2'),
  // On a busy machine a member may take longer than the tool waits.
  { 0: 'ok', 3: 'nothing lost, and not all settled in time' },
);
