import type { Clock } from '../../../../common/clock.js';
import type { Mode } from '../../../../common/names.js';
import { modesToWaitFor, modeWait } from '../../../config/pool.js';
import { DownError, ModeTimeoutError } from '../../../errors.js';

/** As much of a pool as one needs who waits for its mode. */
export interface ModeView {
  readonly mode: Mode;
  readonly modeReason: string;
}

interface Waiter {
  readonly modes: readonly Mode[];
  /** Null: the mode has come. */
  readonly settle: (failure: Error | null) => void;
}

/** Those who wait for a mode: one listener for all of them, however many. */
export class ModeWaiters {
  readonly #waiters = new Set<Waiter>();
  #ended = false;

  constructor(
    private readonly view: ModeView,
    private readonly clock: Clock,
  ) {}

  /** Rejects with ConfigError for a mode or a time that is not valid. */
  async wait(wanted: Mode | readonly Mode[], timeoutMs: number): Promise<void> {
    const modes = modesToWaitFor(wanted);
    modeWait(timeoutMs);
    if (modes.includes(this.view.mode)) return;
    if (this.#ended) throw poolEnded();
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        modes,
        settle: (failure) => {
          this.#waiters.delete(waiter);
          timer.cancel();
          if (failure) reject(failure);
          else resolve();
        },
      };
      // It keeps the process alive: whoever waits has nothing else that would.
      const timer = this.clock.after(timeoutMs, () => waiter.settle(this.#tooLate(modes, timeoutMs)));
      this.#waiters.add(waiter);
    });
  }

  changed(mode: Mode): void {
    for (const waiter of [...this.#waiters]) if (waiter.modes.includes(mode)) waiter.settle(null);
  }

  end(): void {
    this.#ended = true;
    for (const waiter of [...this.#waiters]) waiter.settle(poolEnded());
  }

  #tooLate(modes: readonly Mode[], timeoutMs: number): Error {
    const { mode, modeReason } = this.view;
    return new ModeTimeoutError(
      `still ${mode} after ${timeoutMs} ms, not ${modes.join(' or ')}: ${modeReason}`,
    );
  }
}

const poolEnded = () => new DownError('the pool was ended');
