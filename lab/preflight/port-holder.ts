import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { readProcess } from '../../common/runtime/processes/proc.js';

export type Protocol = 'tcp' | 'udp';

/** The process that listens on a port of `address` (or of all addresses). Undefined when that can't be seen. */
export function portHolder(
  address: string,
  port: number,
  protocol: Protocol = 'tcp',
): { pid: number; name: string } | undefined {
  const tables = [protocol, `${protocol}6`];
  const inodes = new Set(tables.flatMap((table) => listeningInodes(table, address, port)));
  if (inodes.size === 0) return undefined;
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    if (socketInodes(entry).some((inode) => inodes.has(inode))) {
      const pid = Number(entry);
      return { pid, name: readProcess(pid)?.name ?? 'unknown' };
    }
  }
  return undefined;
}

/** States as the kernel numbers them, in these tables. */
const listen = '0A';
const unconnected = '07';

function listeningInodes(table: string, address: string, port: number): string[] {
  let text: string;
  try {
    text = readFileSync(`/proc/net/${table}`, 'utf8');
  } catch {
    return [];
  }
  const wanted = address
    .split('.')
    .reverse()
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase();
  return text.split('\n').flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [local, state, inode] = [fields[1], fields[3], fields[9]];
    if (state !== (table.startsWith('tcp') ? listen : unconnected) || !local || !inode) return [];
    const [host = '', hexPort = ''] = local.split(':');
    const everywhere = /^0+$/.test(host);
    return Number.parseInt(hexPort, 16) === port && (everywhere || host.endsWith(wanted)) ? [inode] : [];
  });
}

function socketInodes(pid: string): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? [];
      } catch {
        return [];
      }
    });
  } catch {
    // Another user's process, or one that has just ended.
    return [];
  }
}
