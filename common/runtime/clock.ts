import { AwakeClock } from '../awake-clock.js';
import type { Clock } from '../clock.js';
import type { Random } from '../random.js';
import { outsideRequests } from './context.js';

type Timers = Pick<typeof globalThis, 'setTimeout' | 'clearTimeout'>;

/**
 * The real ones, as they are when this module is loaded: a test that installs fake timers afterwards means the timers of
 * the app, not those that watch over servers.
 */
const { setTimeout, clearTimeout, setImmediate } = globalThis;
const monotonicMs = performance.now.bind(performance);
const wallMs = Date.now.bind(Date);

/** Node takes anything longer for 1 ms. */
const longestMs = 2 ** 31 - 1;

/** The machine's time, with these timers. */
export const clockWith = ({ setTimeout, clearTimeout }: Timers): Clock => ({
  nowMs: () => monotonicMs(),
  wallMs: () => wallMs(),
  after(delayMs, fn, options) {
    const arm = (leftMs: number): NodeJS.Timeout => {
      const one =
        leftMs > longestMs
          ? setTimeout(() => (timer = arm(leftMs - longestMs)), longestMs)
          : setTimeout(fn, leftMs);
      return options?.ref === false ? one.unref() : one;
    };
    let timer = outsideRequests(() => arm(delayMs));
    return { cancel: () => clearTimeout(timer) };
  },
});

/** The machine's own time. */
export const systemClock: Clock = clockWith({ setTimeout, clearTimeout });

/** For deadlines that judge others: stands still while this process does not run. */
export const systemAwake: Clock = new AwakeClock(systemClock);

/** Calls `fn` once what has arrived at the sockets was heard. */
export const nextTurn = (fn: () => void): NodeJS.Immediate => setImmediate(fn);

export const systemRandom: Random = () => Math.random();
