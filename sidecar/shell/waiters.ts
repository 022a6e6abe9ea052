import type { Clock } from '../../common/clock.js';
import type { Target } from '../../common/names.js';
import type { Use } from '../core/mode/eligible.js';

interface Waiter {
  readonly use: Use;
  readonly settle: (outcome: Target | Error) => void;
}

/** When somebody who waits gives up. */
export interface Bound {
  readonly clock: Clock;
  /** From now on; Infinity: never. */
  readonly ms: number;
}

/** Those who wait for a member that serves a use. */
export class Waiters {
  readonly #waiters = new Set<Waiter>();

  /** Until `serve` names somebody, or the first of `bounds` is over: then rejects with what `tooLate` makes. */
  wait(use: Use, bounds: readonly Bound[], tooLate: () => Error): Promise<Target> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter = {
        use,
        settle: (outcome) => {
          this.#waiters.delete(waiter);
          for (const timer of timers) timer.cancel();
          if (outcome instanceof Error) reject(outcome);
          else resolve(outcome);
        },
      };
      const timers = bounds
        .filter(({ ms }) => ms !== Infinity)
        .map(({ clock, ms }) => clock.after(Math.max(0, ms), () => waiter.settle(tooLate())));
      this.#waiters.add(waiter);
    });
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Settles everybody for whose use there is an outcome. */
  serve(outcomeFor: (use: Use) => Target | Error | undefined): void {
    for (const waiter of [...this.#waiters]) {
      const outcome = outcomeFor(waiter.use);
      if (outcome) waiter.settle(outcome);
    }
  }
}
