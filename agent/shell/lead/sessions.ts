import type { Clock } from '../../../common/clock.js';
import type { SessionView } from '../../core/lead/model.js';
import type { LeasePort } from '../../lease-port.js';

/** A good deal less than a session lives without one, in ms. */
export const signOfLifeMs = 2_000;
/** How long an answer about a session that does not hold the lease is believed, in ms. */
const believedMs = 1_000;
/** …and for how long while the next is on its way: a server that froze gives none, and a decision must not wait for that. */
const believedAtMostMs = 10_000;

/** This agent's session: whether it lives, and that it goes on living. */
export class SessionKeeper {
  private known: { id: string; view: SessionView; atMs: number } | undefined;
  private asking: { id: string; answer: Promise<SessionView> } | undefined;

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
    if (id === holder) return { kind: 'valid', id };
    const known = this.known?.id === id ? this.known : undefined;
    const ageMs = known ? this.clock.nowMs() - known.atMs : Infinity;
    if (known && ageMs < believedMs) return known.view;
    if (this.asking?.id !== id) this.asking = { id, answer: this.ask(id, signal) };
    const { answer } = this.asking;
    return known && ageMs < believedAtMostMs ? known.view : answer;
  }

  private async ask(id: string, signal: AbortSignal): Promise<SessionView> {
    const { known } = this;
    const atMs = this.clock.nowMs();
    const found = await this.lease.lookUpSession(id, signal).finally(() => (this.asking = undefined));
    if (found.kind !== 'answered') return { kind: 'unknown' };
    const view: SessionView = found.state === 'valid' ? { kind: 'valid', id } : { kind: 'none' };
    // One that was opened meanwhile is newer.
    if (this.known === known) this.known = { id, view, atMs };
    return view;
  }

  /** One was opened or taken up. */
  opened(id: string): void {
    this.known = { id, view: { kind: 'valid', id }, atMs: this.clock.nowMs() };
  }
}
