import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Milliseconds that go on across processes until the machine boots: for deadlines that outlive their process. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** Another one after each boot: such deadlines then mean nothing. */
export const bootId = (): string => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();

/**
 * Now, in the unit and from the zero of `startTicks` of processes: the start of one made for that. /proc/uptime has another
 * zero in containers.
 */
export function startTicksNow(): number {
  const stat = execFileSync('/bin/cat', ['/proc/self/stat'], { encoding: 'utf8' });
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]);
}
