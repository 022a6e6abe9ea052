import type { Clock, Timer } from '../../common/clock.js';
import { fullBucket, takeToken, type Bucket } from '../../common/token-bucket.js';
import type { ProbeResult } from '../core/model.js';
import type { Driver } from '../ports.js';

export interface ProberOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly onResult: (result: ProbeResult) => void;
}

/** A server that closes every connection gets no storm of probes for it, and two crashes in a row are both seen at once. */
const alarms = { capacity: 3, refillMs: 334 };

/** Probes on a rhythm, start to start, one at a time. An alarm of the driver brings the next probe forward. */
export class Prober {
  private timer: Timer | undefined;
  private probing = false;
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
    void this.probe();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.options.driver.close();
  }

  /** The next probe is due now, or right after the one under way, which may have looked too early. */
  hurry(deadlineShare = 1): void {
    if (this.stopped) return;
    this.deadlineShare = Math.min(this.deadlineShare, deadlineShare);
    if (this.probing) this.again = true;
    else void this.probe();
  }

  private onAlarm(seen: ProbeResult | undefined): void {
    // Whether that brings a probe is for who decides.
    if (seen) return this.stopped ? undefined : this.options.onResult(seen);
    const left = takeToken(this.allowance, this.options.clock.nowMs(), alarms);
    if (!left) return;
    this.allowance = left;
    this.hurry();
  }

  private async probe(): Promise<void> {
    const { clock, driver, intervalMs, onResult } = this.options;
    this.timer?.cancel();
    this.probing = true;
    const startedMs = clock.nowMs();
    const share = this.deadlineShare;
    this.deadlineShare = 1;
    const result = await driver.probe(share);
    if (this.stopped) return;
    onResult(result);
    this.probing = false;
    const waitMs = this.again ? 0 : Math.max(0, intervalMs - (clock.nowMs() - startedMs));
    this.again = false;
    this.timer = clock.after(waitMs, () => void this.probe());
  }
}
