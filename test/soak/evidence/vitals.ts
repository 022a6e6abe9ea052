import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';

/** What a process holds at rest. */
export interface Vitals {
  readonly heapMb: number;
  readonly rssMb: number;
  readonly sockets: number;
}

const mb = (bytes: number) => bytes / 1024 / 1024;

/** Sockets of every sort this process has open, whether or not they keep it alive. */
export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
    } catch {
      return false; // closed meanwhile
    }
  }).length;
}

/**
 * Looks ten times in two seconds and keeps the least: a DNS question or a statistic that is just under way is none of
 * what stays. Needs `--expose-gc`.
 */
export async function vitals(): Promise<Vitals> {
  if (!globalThis.gc) throw new Error('the worker was started without --expose-gc');
  const least = { heapMb: Infinity, rssMb: Infinity, sockets: Infinity };
  for (let look = 0; look < 10; look++) {
    globalThis.gc();
    const { heapUsed, rss } = process.memoryUsage();
    least.heapMb = Math.min(least.heapMb, mb(heapUsed));
    least.rssMb = Math.min(least.rssMb, mb(rss));
    least.sockets = Math.min(least.sockets, openSockets());
    await delay(200);
  }
  return least;
}
