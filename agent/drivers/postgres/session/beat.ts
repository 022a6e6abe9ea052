import type { Clock, Timer } from '../../../../common/clock.js';

export interface BeatOptions {
  readonly clock: Clock;
  /** From an answer to the next question, in ms. */
  readonly everyMs: number;
  /** An answer that takes longer is missed, in ms. */
  readonly deadlineMs: number;
  /** One question, which rejects when the session is gone. */
  readonly ask: () => Promise<unknown>;
  /** Told once for a question that was not answered in time; the next is asked only after its answer. */
  readonly onMissed: () => void;
}

/** Who looks late itself looks once more before it says so, after so many ms: the answer may have come meanwhile. */
const lateMs = 50;

/** Asks again and again, with a pause from each answer to the next question, and tells when one is not answered in time. */
export class Beat {
  private timer: Timer | undefined;
  private stopped = false;
  private owed: Promise<void> | undefined;
  private missed = false;

  constructor(private readonly options: BeatOptions) {
    this.pause();
  }

  /** The newest question is not answered in time, and still is not. */
  get isMissing(): boolean {
    return this.missed;
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  /** Somebody else has just had an answer: the next question is due as if it were this one's. */
  postpone(): void {
    if (this.owed) return;
    this.timer?.cancel();
    this.pause();
  }

  /** Runs `work` on the session with no question before or beside it. */
  async instead<T>(work: () => Promise<T>): Promise<T> {
    this.timer?.cancel();
    await this.owed;
    this.timer?.cancel();
    try {
      return await work();
    } finally {
      this.pause();
    }
  }

  private pause(): void {
    if (this.stopped) return;
    this.timer = this.options.clock.after(this.options.everyMs, () => (this.owed = this.ask()));
  }

  private async ask(): Promise<void> {
    const { ask, clock, deadlineMs } = this.options;
    this.lookAfter(deadlineMs, clock.nowMs() + deadlineMs);
    try {
      await ask();
    } catch {
      // Cancelled on the server, and so answered; or the session is gone, of which its owner hears otherwise.
    }
    this.timer?.cancel();
    this.missed = false;
    this.owed = undefined;
    this.pause();
  }

  private lookAfter(delayMs: number, dueMs: number): void {
    const { clock, onMissed } = this.options;
    this.timer = clock.after(delayMs, () => {
      if (clock.nowMs() - dueMs > lateMs) return this.lookAfter(lateMs, clock.nowMs() + lateMs);
      this.missed = true;
      onMissed();
    });
  }
}
