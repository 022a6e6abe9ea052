import type { Clock } from '../clock.js';
import type { Random } from '../random.js';

/** The machine's own time. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn, options) {
    const timer = setTimeout(fn, delayMs);
    if (options?.ref === false) timer.unref();
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemRandom: Random = () => Math.random();
