import { sleep } from '../../clock.js';
import { codeOf } from '../../errors.js';
import { ServiceManagerError } from '../../service-manager.js';
import { systemClock } from '../clock.js';
import { readProcess, type ProcessInfo } from './proc.js';

const pollMs = 15;
/** How long the kernel may take to end a process after SIGKILL (longer means a hung disk). */
export const killTimeoutMs = 10_000;

/** How long the kernel may take to stop a process (longer means a hung disk). */
const freezeTimeoutMs = 10_000;

export function signalAll(family: readonly ProcessInfo[], name: NodeJS.Signals): void {
  for (const member of family) if (isAlive(member)) signal(member.pid, name);
}

function isAlive({ pid, startTicks }: ProcessInfo): boolean {
  const now = readProcess(pid);
  return now !== undefined && now.startTicks === startTicks && now.state !== 'Z';
}

/**
 * Stops them where they are, and what they start meanwhile: they are listed anew until all stand still. Throws a ServiceManagerError
 * where one does not.
 */
export async function freezeAll(name: string, list: () => readonly ProcessInfo[]): Promise<void> {
  const deadline = systemClock.nowMs() + freezeTimeoutMs;
  for (;;) {
    const awake = awakeOf(list());
    if (awake.length === 0) return;
    if (systemClock.nowMs() > deadline) {
      const pids = awake.map(({ pid }) => pid);
      throw new ServiceManagerError('late', `${name} does not stand still (pid ${pids.join(', ')})`);
    }
    signalAll(awake, 'SIGSTOP');
    await sleep(systemClock, pollMs);
  }
}

/** One that waits in vfork for a child that was stopped before it ran its program stands still, though it is not stopped itself. */
function awakeOf(family: readonly ProcessInfo[]): ProcessInfo[] {
  const stopped = new Set(family.filter(({ state }) => state === 'T').map(({ parent }) => parent));
  return family.filter(
    ({ pid, state }) => state !== 'T' && state !== 'Z' && !(state === 'D' && stopped.has(pid)),
  );
}

/** False when one of them is still there after so long. */
export async function untilGone(family: readonly ProcessInfo[], timeoutMs: number): Promise<boolean> {
  const deadline = systemClock.nowMs() + timeoutMs;
  while (family.some(isAlive)) {
    if (systemClock.nowMs() > deadline) return false;
    await sleep(systemClock, pollMs);
  }
  return true;
}

/** Kills them. Throws a ServiceManagerError where even that does not end them. */
export async function endAll(name: string, family: readonly ProcessInfo[]): Promise<void> {
  signalAll(family, 'SIGKILL');
  if (await untilGone(family, killTimeoutMs)) return;
  const pids = family.filter(isAlive).map(({ pid }) => pid);
  throw new ServiceManagerError(
    'late',
    `${name} does not end even after SIGKILL (pid ${pids.join(', ')}); is its disk hung?`,
  );
}

export function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between being listed and being signalled.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
