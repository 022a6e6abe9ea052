import type { ResultOf } from '../../common/keeper/protocol.js';
import type { Box, Order } from '../box.js';
import { mustHaveData, mustRun } from './parts/conditions.js';

/** An immediate checkpoint, or a restartpoint in recovery: a stop, a rewind or a clone right after it is quicker. */
export async function checkpoint(box: Box, order: Order): Promise<ResultOf<'checkpoint'>> {
  mustRun(box);
  const startedMs = box.clock.nowMs();
  const session = await box.session(order);
  try {
    await session.query('CHECKPOINT', [], box.leftMs(order));
  } finally {
    session.close();
  }
  const { redoLsn } = await mustHaveData(box);
  return { redoLsn, tookMs: box.clock.nowMs() - startedMs };
}
