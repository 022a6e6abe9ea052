import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from '../../../sidecar/index.js';
import { isSafeToRepeat } from './steady-writers.js';

/** Between two tries where the pool has not noticed yet, in ms. */
const paceMs = 20;

/** Runs it again while it was certainly not executed and `writeWaitMs` is not over, as an app does that holds clients of its own. */
export async function again<T>(
  work: () => Promise<T>,
  thrown: (error: unknown) => unknown,
  pool: Pick<Pool, 'waitForMode'> | undefined,
  writeWaitMs: number,
  onRetry: () => void,
): Promise<T> {
  const untilMs = performance.now() + writeWaitMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const leftMs = untilMs - performance.now();
      if (leftMs <= 0 || !isSafeToRepeat(thrown(error))) throw error;
      onRetry();
      await delay(paceMs);
      await pool?.waitForMode('read-write', leftMs).catch(() => {});
    }
  }
}
