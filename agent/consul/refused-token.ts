import type { Clock, Timer } from '../../common/clock.js';
import type { Secret } from '../../common/secret.js';
import type { Kept } from '../ports.js';

/** How often the file of a refused token is looked into, in ms… */
const lookMs = 500;
/** … and for how long after the last refusal: longer than a call that was refused waits for its next try. */
const lookForMs = 30_000;

/** Notices that a token which Consul refused was replaced in its file, though no call is due that would find out. */
export class RefusedToken {
  private used: Secret | undefined;
  private untilMs = -Infinity;
  private timer: Timer | undefined;
  private stopped = false;

  constructor(
    private readonly token: Kept<Secret>,
    private readonly clock: Clock,
    private readonly onReplaced: () => void,
  ) {}

  /** Consul refused a call that was made with that token. */
  refused(used: Secret): void {
    this.used = used;
    this.untilMs = this.clock.nowMs() + lookForMs;
    if (this.timer === undefined) this.lookSoon();
  }

  stop(): void {
    this.stopped = true;
    this.timer?.cancel();
  }

  private lookSoon(): void {
    if (this.stopped) return;
    this.timer = this.clock.after(lookMs, () => void this.look(), { ref: false });
  }

  private async look(): Promise<void> {
    await this.token.reread();
    this.timer = undefined;
    if (this.stopped) return;
    // Any other call may have read the file meanwhile: what counts is whether another token is in use.
    if (this.token.current() !== this.used) this.onReplaced();
    else if (this.clock.nowMs() < this.untilMs) this.lookSoon();
  }
}
