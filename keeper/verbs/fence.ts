import { sleep } from '../../common/clock.js';
import type { ResultOf } from '../../common/keeper/protocol.js';
import type { ProcessInfo } from '../../common/runtime/processes/proc.js';
import { startTicksNow } from '../../common/runtime/machine/boot-time.js';
import { TimedOut, type Box, type Order } from '../box.js';
import { familyOf, isAlive, signal } from '../postgres/processes.js';

const pollMs = 2;

/**
 * F1: SIGKILL for the postmaster, then for every backend; done when none of them is left. A dead postmaster alone is not enough:
 * a backend in a loop goes on committing. Waits for nothing else (F2). What is started meanwhile is in recovery (D1).
 */
export async function fence(box: Box, order: Order): Promise<ResultOf<'fence'>> {
  const startedMs = box.clock.nowMs();
  const { postmaster, members } = familyOf(box.dataDir);
  const seen = new Map<string, ProcessInfo>();
  const kill = (processes: readonly ProcessInfo[]) => {
    for (const process of processes) {
      seen.set(`${process.pid}:${process.startTicks}`, process);
      signal(process, 'SIGKILL');
    }
  };
  kill(postmaster ? [postmaster] : []);
  kill(members);
  await gone(box, order, () => postmaster !== undefined && isAlive(postmaster));
  // Children that it made between the first look and its death are older than this; those of a new postmaster are not.
  const diedAtTicks = members.length > 0 ? startTicksNow() : 0;
  kill(familyOf(box.dataDir).members.filter(({ startTicks }) => startTicks < diedAtTicks));
  await gone(box, order, () => [...seen.values()].some(isAlive));
  box.reserved.close();
  return { killed: seen.size, tookMs: box.clock.nowMs() - startedMs };
}

async function gone(box: Box, order: Order, lives: () => boolean): Promise<void> {
  while (lives()) {
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut('processes of Postgres do not end even after SIGKILL; is the disk hung?');
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
}
