import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { waitFor } from '../../support/wait.js';
import { bridge, folder, prefix } from './names.js';

const run = (program: string, ...args: string[]) =>
  execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
const words = (text: string) => text.split(/\s+/).filter((word) => word !== '');

/**
 * Takes away whatever a run of these tests has made, finished or killed: its Vagrant, containers, bridge and folder. It
 * goes by the prefix, which nobody else uses; all other containers and interfaces are left alone. Returns what was there.
 */
export function removeLeftOver(): string[] {
  const removed: string[] = [];
  for (const pid of vagrants()) {
    process.kill(pid, 'SIGKILL');
    removed.push(`process ${pid}`);
  }
  for (const name of words(run('lxc-ls', '-1')).filter((one) => one.startsWith(prefix))) {
    run('lxc-destroy', '-f', '-n', name);
    removed.push(`container ${name}`);
  }
  const interfaces = readdirSync('/sys/class/net');
  for (const name of interfaces.filter((one) => one.startsWith(`ve-${prefix}`) || one === bridge)) {
    run('ip', 'link', 'delete', name);
    removed.push(`interface ${name}`);
  }
  for (const place of mountsWithin(folder)) {
    run('umount', place);
    removed.push(`mount ${place}`);
  }
  if (existsSync(folder)) {
    rmSync(folder, { recursive: true, force: true });
    removed.push(folder);
  }
  return removed;
}

const mountsWithin = (place: string) =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[1] ?? '')
    .filter((mount) => mount.startsWith(`${place}/`));

/** Processes of an earlier run: those whose environment names its folder. */
function vagrants(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid && Number(name) !== process.ppid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/environ`, 'utf8').includes(`VAGRANT_DOTFILE_PATH=${folder}/`);
      } catch {
        return false;
      }
    })
    .map(Number);
}

/** One run at a time on a machine: waits for another one's end. */
export async function takeTurn(): Promise<void> {
  const other = () => (existsSync(lockFile) ? Number(readFileSync(lockFile, 'utf8')) : 0);
  const isFree = () => [0, process.pid].includes(other()) || !existsSync(`/proc/${other()}`);
  if (!isFree())
    console.log(`these tests run already on this machine (process ${other()}): waiting for them`);
  await waitFor('the other run of these tests to end', 20 * 60_000, isFree, 1_000);
  writeFileSync(lockFile, String(process.pid));
}

export function endTurn(): void {
  rmSync(lockFile, { force: true });
}

const lockFile = `${dirname(folder)}/${prefix}boxes.lock`;
