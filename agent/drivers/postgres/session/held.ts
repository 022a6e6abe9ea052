import { backoffMs } from '../../../../common/backoff.js';
import { DeadlineError, withDeadline, type Clock } from '../../../../common/clock.js';
import type { Random } from '../../../../common/random.js';
import { isFault } from '../../../../common/errors.js';
import { Beat } from './beat.js';
import { Session, type Login } from './session.js';

const retry = { baseMs: 250, maxMs: 10_000 };
/** A session that lived so long, in ms, was not closed on sight: the backoff starts anew. */
const livedMs = 1_000;

export interface HeldOptions {
  readonly login: Login;
  readonly clock: Clock;
  readonly random: Random;
  readonly deadlineMs: number;
  readonly onLost: () => void;
}

/** What became of work on the session. */
export type Used<T> = { readonly kind: 'done'; readonly value: T } | { readonly kind: 'none' | 'late' };

/** From the session's answer to the next question whether it is still there, in ms: one that was lost on the way tells of nothing. */
const beatMs = 10_000;

/**
 * A session that is there: the kernel tells at once when the server's side of it dies. It is opened
 * only after a healthy probe, so that it never troubles a server that starts or stops.
 */
export class HeldSession {
  private state:
    | { readonly kind: 'none' }
    | { readonly kind: 'opening' }
    | { readonly kind: 'open'; readonly session: Session; readonly beat: Beat; readonly sinceMs: number }
    | { readonly kind: 'closed' } = { kind: 'none' };
  private failures = 0;
  private notBeforeMs = 0;

  constructor(private readonly options: HeldOptions) {}

  /** Runs `work` on the session. `none`: no session is open, it ended meanwhile, or the server refused; `late`: no answer within `deadlineMs`. */
  async use<T>(
    work: (session: Session) => Promise<T>,
    deadlineMs: number,
    cut?: AbortSignal,
  ): Promise<Used<T>> {
    if (this.state.kind !== 'open') return { kind: 'none' };
    const { beat, session } = this.state;
    const { clock } = this.options;
    try {
      const value = await withDeadline(
        clock,
        deadlineMs,
        'probe',
        () => beat.instead(() => work(session)),
        cut,
      );
      return { kind: 'done', value };
    } catch (error) {
      session.destroy();
      if (isFault(error)) throw error;
      return { kind: error instanceof DeadlineError ? 'late' : 'none' };
    }
  }

  /** Called after each healthy probe. */
  async ensure(): Promise<void> {
    const { login, clock, deadlineMs } = this.options;
    // The server is well, and answers a fresh session: this one is lost on the way.
    if (this.state.kind === 'open' && this.state.beat.isMissing) this.state.session.destroy();
    if (this.state.kind !== 'none' || clock.nowMs() < this.notBeforeMs) return;
    this.state = { kind: 'opening' };
    const session = new Session(login, clock, {
      idle_session_timeout: 0,
      statement_timeout: deadlineMs,
      lock_timeout: Math.floor(deadlineMs / 2),
    });
    const cut = new AbortController();
    try {
      await withDeadline(clock, deadlineMs, 'holding a session', (signal) => {
        signal.addEventListener('abort', () => cut.abort(), { once: true });
        return session.open(cut.signal);
      });
    } catch {
      session.destroy();
      this.postpone();
      if (!this.isClosed()) this.state = { kind: 'none' };
      return;
    }
    if (this.isClosed()) return session.close();
    const beat = new Beat({
      clock,
      everyMs: beatMs,
      deadlineMs,
      ask: () => session.row('SELECT 1'),
      onMissed: () => {},
    });
    this.state = { kind: 'open', session, beat, sinceMs: clock.nowMs() };
    session.onClose(() => this.lost(session));
  }

  close(): void {
    const { state } = this;
    this.state = { kind: 'closed' };
    if (state.kind !== 'open') return;
    state.beat.stop();
    state.session.close();
  }

  private isClosed(): boolean {
    return this.state.kind === 'closed';
  }

  private lost(session: Session): void {
    if (this.state.kind !== 'open' || this.state.session !== session) return;
    this.state.beat.stop();
    if (this.options.clock.nowMs() - this.state.sinceMs > livedMs) this.failures = 0;
    this.postpone();
    this.state = { kind: 'none' };
    this.options.onLost();
  }

  private postpone(): void {
    const { clock, random } = this.options;
    this.notBeforeMs = clock.nowMs() + backoffMs(this.failures++, retry, random);
  }
}
