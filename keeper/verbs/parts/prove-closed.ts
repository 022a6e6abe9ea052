import { sleep } from '../../../common/clock.js';
import { place } from '../../../common/postgres/position.js';
import { TimedOut, type Box, type Order } from '../../box.js';
import { Barrier, sessionShowing } from '../../postgres/barrier.js';
import { inRecovery } from './conditions.js';

/**
 * R2: a barrier is seen waiting, nobody may satisfy it, and a second one is sent, behind which nothing was acknowledged. A
 * gate whose opening was never seen may still have that opening on its way through the checkpointer, which would let all of
 * them pass: then only a checkpoint shows that the checkpointer has looked at the file since.
 */
export async function proveClosed(
  box: Box,
  order: Order,
  value: string,
  settled: boolean,
): Promise<string | undefined> {
  if (!settled || (await inRecovery(box))) {
    const session = await sessionShowing(box, order, value);
    try {
      if (!settled) await session.query('CHECKPOINT', [], box.leftMs(order));
      if (await inRecovery(box)) return undefined;
    } finally {
      session.close();
    }
  }
  // Its log-in takes as long as all the rest.
  const session = sessionShowing(box, order, value);
  session.catch(() => {});
  try {
    await untilOneWaits(box, order, value);
    await untilNobodySatisfies(box, order);
  } catch (error) {
    void session.then((made) => made.close()).catch(() => {});
    throw error;
  }
  const second = Barrier.sendOn(await session);
  try {
    if (!(await second.waits(box, order)))
      throw new TimedOut('the second commit did not wait behind the gate');
    const [row] = await box.reserved.query(`SELECT ${place.inserted} AS lsn`);
    return String(row?.['lsn']);
  } finally {
    await second.end(box);
  }
}

async function untilOneWaits(box: Box, order: Order, value: string): Promise<void> {
  for (;;) {
    const barrier = await Barrier.send(box, order, value);
    try {
      if (await barrier.waits(box, order)) return;
    } finally {
      await barrier.end(box);
    }
    // It returned: the checkpointer has not looked yet.
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut('commits are still acknowledged: the checkpointer has not taken the closed gate');
    await sleep(box.clock, 10, { signal: order.signal });
  }
}

/** A walsender that still has the old setting would release waiters: one per stand-in under an old name (R4, R5). */
export async function untilNobodySatisfies(box: Box, order: Order): Promise<void> {
  for (;;) {
    const rows = await box.reserved.query(
      'SELECT application_name AS name FROM pg_stat_replication WHERE sync_priority > 0',
    );
    if (rows.length === 0) return;
    if (box.clock.nowMs() > order.deadlineAtMs)
      throw new TimedOut(
        `${rows.map(({ name }) => String(name)).join(', ')} still counts as a synchronous standby`,
      );
    await sleep(box.clock, 10, { signal: order.signal });
  }
}
