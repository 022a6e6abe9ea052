import type { Clock, Timer } from '../../common/clock.js';
import { fullBucket, takeToken, type Bucket } from '../../common/token-bucket.js';
import type { ProbeReading } from '../core/model.js';
import type { Driver } from '../ports.js';

export interface ProberOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly onResult: (reading: ProbeReading) => void;
  /** Whether a probe may write, asked before each. Default: it may. */
  readonly mayWrite?: (() => boolean) | undefined;
}

/** A server that closes every connection gets no storm of probes for it, and two crashes in a row are both seen at once. */
const alarms = { capacity: 3, refillMs: 334 };

/** Probes on a rhythm, start to start, one at a time. An alarm of the driver brings the next probe forward. */
export class Prober {
  private timer: Timer | undefined;
  private underWay: Promise<void> | undefined;
  private isLast = false;
  private again = false;
  /** Of the next probe. */
  private deadlineShare = 1;
  private stopped = false;
  private allowance: Bucket;

  constructor(private readonly options: ProberOptions) {
    this.allowance = fullBucket(alarms, options.clock.nowMs());
  }

  start(): void {
    this.options.driver.onAlarm((seen) => this.onAlarm(seen));
    this.begin();
  }

  /** Looks once more, from now, and never again. It is reported like any other. */
  async lastLook(): Promise<void> {
    this.isLast = true;
    await this.underWay;
    this.begin();
    await this.underWay;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.options.driver.close();
  }

  /** The next probe is due now, or right after the one under way, which may have looked too early. */
  hurry(deadlineShare = 1): void {
    if (this.stopped || this.isLast) return;
    this.deadlineShare = Math.min(this.deadlineShare, deadlineShare);
    if (this.underWay) this.again = true;
    else this.begin();
  }

  private onAlarm(seen: ProbeReading | undefined): void {
    // Whether that brings a probe is for who decides.
    if (seen) return this.stopped ? undefined : this.options.onResult(seen);
    const left = takeToken(this.allowance, this.options.clock.nowMs(), alarms);
    if (!left) return;
    this.allowance = left;
    this.hurry();
  }

  private begin(): void {
    this.timer?.cancel();
    this.underWay = this.probe();
  }

  private async probe(): Promise<void> {
    const { clock, driver, intervalMs, mayWrite, onResult } = this.options;
    const startedMs = clock.nowMs();
    const share = this.deadlineShare;
    this.deadlineShare = 1;
    const result = await driver.probe(share, mayWrite?.() ?? true);
    if (this.stopped) return;
    onResult({ askedMs: startedMs, result });
    this.underWay = undefined;
    if (this.isLast) return;
    const waitMs = this.again ? 0 : Math.max(0, intervalMs - (clock.nowMs() - startedMs));
    this.again = false;
    this.timer = clock.after(waitMs, () => this.begin());
  }
}
