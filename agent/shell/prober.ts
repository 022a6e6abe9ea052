import type { Clock, Timer } from '../../common/clock.js';
import type { ProbeResult } from '../core/model.js';
import type { Driver } from '../ports.js';

export interface ProberOptions {
  readonly driver: Driver;
  readonly clock: Clock;
  readonly intervalMs: number;
  readonly onResult: (result: ProbeResult) => void;
}

/**
 * Probes on a rhythm, start to start, one at a time. An alarm of the driver brings the next probe forward, once per
 * interval: a server that closes every connection gets no storm for it.
 */
export class Prober {
  private timer: Timer | undefined;
  private probing = false;
  private again = false;
  private stopped = false;
  private lastAlarmMs = -Infinity;

  constructor(private readonly options: ProberOptions) {}

  start(): void {
    this.options.driver.onAlarm(() => this.onAlarm());
    void this.probe();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    await this.options.driver.close();
  }

  private onAlarm(): void {
    const { clock, intervalMs } = this.options;
    if (this.stopped || clock.nowMs() - this.lastAlarmMs < intervalMs) return;
    this.lastAlarmMs = clock.nowMs();
    if (this.probing) this.again = true;
    else void this.probe();
  }

  private async probe(): Promise<void> {
    const { clock, driver, intervalMs, onResult } = this.options;
    this.timer?.cancel();
    this.probing = true;
    const startedMs = clock.nowMs();
    const result = await driver.probe();
    this.probing = false;
    if (this.stopped) return;
    onResult(result);
    // The alarm came while a probe was under way that may have looked too early.
    const waitMs = this.again ? 0 : Math.max(0, intervalMs - (clock.nowMs() - startedMs));
    this.again = false;
    this.timer = clock.after(waitMs, () => void this.probe());
  }
}
