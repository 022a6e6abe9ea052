import { sleep } from '../../common/clock.js';
import { TimedOut, type Box, type Order } from '../box.js';
import { familyOf, signal } from './processes.js';

/** A fast stop waits for a checkpoint; longer than this, and Postgres is killed, in ms. */
const stopTimeoutMs = 60_000;
const pollMs = 20;

/** A fast stop of whatever Postgres works in `folder`, then SIGKILL for what is left. */
export async function stopCleanly(box: Box, folder: string, order: Order): Promise<void> {
  const { postmaster } = familyOf(folder);
  if (postmaster) {
    order.progress('Postgres is being stopped');
    signal(postmaster, 'SIGINT');
  }
  const killAtMs = box.clock.nowMs() + (postmaster ? stopTimeoutMs : 0);
  for (;;) {
    const { members } = familyOf(folder);
    if (members.length === 0) return;
    if (box.clock.nowMs() > killAtMs) for (const member of members) signal(member, 'SIGKILL');
    if (box.clock.nowMs() > order.deadlineAtMs) throw new TimedOut('Postgres does not end');
    await sleep(box.clock, pollMs, { signal: order.signal });
  }
}
