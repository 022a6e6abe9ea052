import type { Clock } from '../../../common/clock.js';
import type { SessionView } from '../../core/lead/model.js';
import type { LeasePort } from '../../lease-port.js';

/** A good deal less than a session lives without one, in ms. */
export const signOfLifeMs = 2_000;
/** How long an answer about a session that does not hold the lease is believed, in ms. */
const believedMs = 1_000;

/** This agent's session: whether it lives, and that it goes on living. */
export class SessionKeeper {
  private known: { id: string; view: SessionView; atMs: number } | undefined;

  constructor(
    private readonly lease: LeasePort,
    private readonly clock: Clock,
  ) {}

  async showLife(id: string | undefined, signal: AbortSignal): Promise<void> {
    if (id === undefined) return;
    // Who does not answer says nothing of the session; a check that is missing has taken the session with it.
    const said = await this.lease.signOfLife(signal);
    if (said.kind === 'missing') this.known = undefined;
  }

  /** `holder`: the session that holds the lease by the newest look; it lives. */
  async look(id: string | undefined, holder: string | undefined, signal: AbortSignal): Promise<SessionView> {
    if (id === undefined) return { kind: 'none' };
    const nowMs = this.clock.nowMs();
    if (id === holder) return { kind: 'valid', id };
    if (this.known?.id === id && nowMs - this.known.atMs < believedMs) return this.known.view;
    const found = await this.lease.lookUpSession(id, signal);
    const view: SessionView =
      found.kind !== 'answered'
        ? { kind: 'unknown' }
        : found.state === 'valid'
          ? { kind: 'valid', id }
          : { kind: 'none' };
    this.known = { id, view, atMs: nowMs };
    return view;
  }

  /** One was opened or taken up. */
  opened(id: string): void {
    this.known = { id, view: { kind: 'valid', id }, atMs: this.clock.nowMs() };
  }
}
