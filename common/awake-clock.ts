import type { Clock, Timer } from './clock.js';

/** While somebody waits, the clock makes sure this often that the process runs, ms. */
const lookMs = 50;
/** What comes so much later, ms, shows that it did not run in between. */
const lateMs = 50;
/** What a deadline has left, at least, when the process runs again: time to hear what has come, and to ask once more. */
const againMs = 250;
/**
 * A process that is held up a little all the time must come to a verdict all the same: so often in a row it is excused, and
 * once more for each so many ms that have counted since. Whoever did not run for longer than `alwaysMs` always is.
 */
const excuses = { most: 6, everyMs: 300, alwaysMs: 1_000 };
/** A deadline begins anew so often, at most. */
const againAtMost = 3;

interface Waiting {
  readonly leastMs: number;
  dueMs: number;
  again: number;
}

/**
 * Time for deadlines that judge others: it stands still while this process does not run (a loop that is blocked, SIGSTOP, a
 * machine without a free processor), and while somebody holds it. What such a deadline finds silent had its chance to speak.
 *
 * Time that nobody waits for passes as usual.
 */
export class AwakeClock implements Clock {
  #nowMs = 0;
  #seenMs: number;
  #excuses = excuses.most;
  #holds = 0;
  #looking = false;
  readonly #waiting = new Set<Waiting>();

  constructor(private readonly base: Clock) {
    this.#seenMs = base.nowMs();
  }

  nowMs(): number {
    this.#catchUp();
    return this.#nowMs;
  }

  wallMs(): number {
    return this.base.wallMs();
  }

  after(delayMs: number, fn: () => void, options?: { ref?: boolean }): Timer {
    const one = { dueMs: this.nowMs() + delayMs, leastMs: Math.min(delayMs, againMs), again: againAtMost };
    this.#waiting.add(one);
    this.#look();
    const arm = (leftMs: number): Timer =>
      this.base.after(
        leftMs,
        () => {
          this.#catchUp();
          const left = one.dueMs - this.#nowMs;
          // Timers may fire a fraction of a millisecond early.
          if (left >= 1) timer = arm(this.#holds > 0 ? Math.max(left, lookMs) : left);
          else {
            this.#waiting.delete(one);
            fn();
          }
        },
        options,
      );
    let timer = arm(delayMs);
    return {
      cancel: () => {
        this.#waiting.delete(one);
        timer.cancel();
      },
    };
  }

  /** Lets it stand still until the function that is returned is called. */
  hold(): () => void {
    this.#catchUp();
    this.#holds += 1;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.#catchUp();
      this.#holds -= 1;
    };
  }

  #catchUp(): void {
    const nowMs = this.base.nowMs();
    const passedMs = nowMs - this.#seenMs;
    this.#seenMs = nowMs;
    const long = passedMs > excuses.alwaysMs;
    const slept = this.#waiting.size > 0 && passedMs > lookMs + lateMs && (long || this.#excuses >= 1);
    const countsMs = slept ? lookMs : passedMs;
    if (slept && !long) this.#excuses -= 1;
    this.#excuses = Math.min(excuses.most, this.#excuses + countsMs / excuses.everyMs);
    if (this.#holds === 0) this.#nowMs += countsMs;
    if (!slept) return;
    for (const one of this.#waiting)
      if (one.again-- > 0) one.dueMs = Math.max(one.dueMs, this.#nowMs + one.leastMs);
  }

  #look(): void {
    if (this.#looking) return;
    this.#looking = true;
    this.base.after(
      lookMs,
      () => {
        this.#looking = false;
        this.#catchUp();
        if (this.#waiting.size > 0) this.#look();
      },
      { ref: false },
    );
  }
}
