import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { homedir, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { HostFacts, Provider } from '../model.js';
import { textOf } from './files.js';

const megabyte = 1024 * 1024;

/** Free memory is told by Linux alone: what other systems call free leaves out what they would give up at once. */
export async function gatherMemory(): Promise<HostFacts['memory']> {
  const kilobytes = /^MemAvailable:\s*(\d+) kB$/m.exec((await textOf('/proc/meminfo')) ?? '')?.[1];
  return {
    totalMb: Math.floor(totalmem() / megabyte),
    availableMb: kilobytes === undefined ? undefined : Math.floor(Number(kilobytes) / 1024),
  };
}

/** Room where LXC or VirtualBox keeps its boxes by default. */
export async function gatherDisk(provider: Provider): Promise<HostFacts['disk']> {
  let path = provider === 'lxc' ? '/var/lib/lxc' : homedir();
  while (!existsSync(path) && dirname(path) !== path) path = dirname(path);
  try {
    const { bavail, bsize } = await statfs(path);
    return { path, freeMb: Math.floor((bavail * bsize) / megabyte) };
  } catch {
    return undefined;
  }
}
