import { execFile } from 'node:child_process';
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { folder } from '../../boxes/support/names.js';
import { boxes } from '../../boxes/support/vagrant-boxes.js';

const run = promisify(execFile);
/** Where Debian keeps all clusters. */
export const dataFolder = '/var/lib/postgresql';
/** Room for the cluster twice, while it is cloned anew, and for as much WAL as its settings allow. A sparse file: what is not written takes no room. */
const size = '6G';

/**
 * Gives Postgres of a box a file system of its own, so that a full one hurts nothing else; stops the box for it. The data
 * is another copy afterwards, which an operator has to promote. False: it has one already.
 */
export async function giveOwnDisk(member: string): Promise<boolean> {
  const name = boxes.container(member);
  const place = join(folder, 'disks', member);
  if (existsSync(place)) return false;
  const image = `${place}.img`;
  mkdirSync(place, { recursive: true });
  await run('truncate', ['-s', size, image]);
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', image]);
  await run('mount', ['-o', 'loop', image, place]);
  await run('lxc-stop', ['-n', name, '-t', '60']);
  const valueOf = async (key: string) => (await run('lxc-info', ['-n', name, '-H', '-c', key])).stdout.trim();
  const rootfs = (await valueOf('lxc.rootfs.path')).replace(/^dir:/, '');
  await run('cp', ['-a', `${rootfs}${dataFolder}/.`, place]);
  const config = join(rootfs, '..', 'config');
  // vagrant-lxc writes its own block anew, and leaves the rest of the file alone.
  if (!readFileSync(config, 'utf8').includes(place))
    appendFileSync(config, `lxc.mount.entry = ${place} ${dataFolder.slice(1)} none bind 0 0\n`);
  await boxes.powerOn(member);
  await boxes.untilBooted(member);
  return true;
}
