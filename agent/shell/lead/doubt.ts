import type { Clock } from '../../../common/clock.js';
import type { LeasePort } from '../../lease-port.js';

const firstPauseMs = 1_000;
const longestPauseMs = 8_000;

/**
 * While another member seems to be lost, a server of Consul on its box may be as well, and our watch may wait for just that one: it asks
 * anew, at growing distances.
 */
export class Doubt {
  private asked: { readonly nextMs: number; readonly pauseMs: number } | undefined;

  constructor(
    private readonly lease: Pick<LeasePort, 'askAnew'>,
    private readonly clock: Clock,
  ) {}

  look(isInDoubt: boolean): void {
    const nowMs = this.clock.nowMs();
    // A doubt that comes and goes is one.
    if (this.asked && nowMs < this.asked.nextMs) return;
    if (!isInDoubt) {
      this.asked = undefined;
      return;
    }
    const pauseMs = this.asked ? Math.min(2 * this.asked.pauseMs, longestPauseMs) : firstPauseMs;
    this.asked = { nextMs: nowMs + pauseMs, pauseMs };
    this.lease.askAnew();
  }
}
