import { sleep, type Clock } from '../../common/clock.js';
import { targetKey, type Target } from '../../common/names.js';
import type { Position } from '../core/history/position.js';

/** Between two questions to one replica, ms: the longer the last comer has waited, the longer. */
const pause = { leastMs: 2, mostMs: 10 };

interface Waiter {
  readonly sinceMs: number;
  readonly arrived: Arrived;
  readonly settle: (target: Target | null) => void;
}

interface Asked {
  readonly target: Target;
  readonly waiters: Set<Waiter>;
  asking: boolean;
}

/** Asked after every answer of a target. */
export type Arrived = (target: Target, at: Position | null) => boolean;

export interface ReplayParts {
  /** Never rejects. */
  readonly askPosition: (target: Target) => Promise<Position | null>;
  readonly clock: Clock;
}

/** Waits for replicas to replay. However many wait for one, it is asked once at a time. */
export class Replay {
  readonly #asked = new Map<string, Asked>();

  constructor(private readonly parts: ReplayParts) {}

  /** The first of `targets` that has arrived; null when `deadlineMs` (monotonic) is over. */
  first(targets: readonly Target[], arrived: Arrived, deadlineMs: number): Promise<Target | null> {
    const { clock } = this.parts;
    const asked = targets.map((target) => this.#askedOf(target));
    return new Promise((resolve) => {
      const waiter: Waiter = {
        sinceMs: clock.nowMs(),
        arrived,
        settle: (target) => {
          timer.cancel();
          for (const { waiters } of asked) waiters.delete(waiter);
          resolve(target);
        },
      };
      // Keeps the process alive: monitors do not.
      const timer = clock.after(Math.max(0, deadlineMs - clock.nowMs()), () => waiter.settle(null));
      for (const one of asked) {
        one.waiters.add(waiter);
        if (!one.asking) void this.#ask(one);
      }
    });
  }

  #askedOf(target: Target): Asked {
    const key = targetKey(target);
    let asked = this.#asked.get(key);
    if (!asked) this.#asked.set(key, (asked = { target, waiters: new Set(), asking: false }));
    return asked;
  }

  async #ask(asked: Asked): Promise<void> {
    const { target, waiters } = asked;
    asked.asking = true;
    while (waiters.size > 0) {
      const at = await this.parts.askPosition(target);
      for (const waiter of [...waiters]) if (waiter.arrived(target, at)) waiter.settle(target);
      await this.#pause(waiters);
    }
    this.#asked.delete(targetKey(target));
  }

  /** In small steps: whoever comes meanwhile need not wait as long as those before. */
  async #pause(waiters: ReadonlySet<Waiter>): Promise<void> {
    const { clock } = this.parts;
    const askedMs = clock.nowMs();
    while (waiters.size > 0) {
      const youngestMs = askedMs - Math.max(...[...waiters].map(({ sinceMs }) => sinceMs));
      const pauseMs = Math.min(pause.mostMs, Math.max(pause.leastMs, youngestMs / 2));
      if (clock.nowMs() - askedMs >= pauseMs) return;
      await sleep(clock, pause.leastMs, { ref: false });
    }
  }
}
