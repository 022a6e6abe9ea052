import type { Clock, Timer } from '../../common/clock.js';

/** Time that moves only when told. */
export class ManualClock implements Clock {
  private now = 0;
  private timers: { atMs: number; order: number; fn: () => void }[] = [];
  private order = 0;

  constructor(private readonly wallStart = Date.UTC(2026, 0, 1)) {}

  nowMs(): number {
    return this.now;
  }

  wallMs(): number {
    return this.wallStart + this.now;
  }

  after(delayMs: number, fn: () => void): Timer {
    const timer = { atMs: this.now + delayMs, order: this.order++, fn };
    this.timers.push(timer);
    return { cancel: () => (this.timers = this.timers.filter((other) => other !== timer)) };
  }

  /** Fires what is due, in order; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const until = this.now + ms;
    await settled();
    for (;;) {
      const [next] = this.timers
        .filter(({ atMs }) => atMs <= until)
        .sort((a, b) => a.atMs - b.atMs || a.order - b.order);
      if (!next) break;
      this.timers = this.timers.filter((timer) => timer !== next);
      this.now = Math.max(this.now, next.atMs);
      next.fn();
      await settled();
    }
    this.now = until;
  }
}

/** Lets every promise that can settle without I/O do so. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}
