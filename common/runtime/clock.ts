import type { Clock } from '../clock.js';
import type { Random } from '../random.js';

/** Node takes anything longer for 1 ms. */
const longestMs = 2 ** 31 - 1;

/** The machine's own time. */
export const systemClock: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
  after(delayMs, fn, options) {
    const arm = (leftMs: number): NodeJS.Timeout => {
      const one =
        leftMs > longestMs
          ? setTimeout(() => (timer = arm(leftMs - longestMs)), longestMs)
          : setTimeout(fn, leftMs);
      return options?.ref === false ? one.unref() : one;
    };
    let timer = arm(delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
};

export const systemRandom: Random = () => Math.random();
