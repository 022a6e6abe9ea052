import type { Clock, Timer } from '../../common/clock.js';
import { targetKey, type Target } from '../../common/names.js';
import { answered, isLong, isOver, looked, looksEveryMs, type Busy } from '../core/managed/waits.js';
import type { InFlight, SessionHandle } from '../ports.js';

export interface AckWatchParts {
  readonly clock: Clock;
  /** How long a write may wait for a standby, ms; Infinity: for ever. */
  readonly ackTimeoutMs: number;
  readonly sessions: () => Iterable<SessionHandle>;
  /** Null: its server has nothing to do. */
  readonly inFlight: (session: SessionHandle) => InFlight | null;
  /** Which of these processes of a member wait for a standby; null: it does not say. Never rejects. */
  readonly askWaiting: (target: Target, pids: readonly number[]) => Promise<readonly number[] | null>;
  readonly report: (target: Target, missing: boolean) => void;
}

/**
 * Finds writes that wait for a standby for too long. It looks at what sessions are busy with, so that a statement costs
 * nothing, and asks the server about those that are still at the same one. Their sockets are destroyed, the statements are
 * not: whoever cancels a waiting commit has it reported as done. The member is said to acknowledge again once none of the
 * processes that were left there waits any more.
 */
export class AckWatch {
  #busy = new Map<SessionHandle, Busy>();
  /** Processes whose clients have gone, by member. */
  readonly #left = new Map<string, { readonly target: Target; readonly pids: Set<number> }>();
  #lookedMs = 0;
  #timer: Timer | undefined;
  #stopped = false;

  constructor(private readonly parts: AckWatchParts) {}

  /** Idempotent. */
  start(): void {
    if (this.#timer || this.#stopped || this.parts.ackTimeoutMs === Infinity) return;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
  }

  #schedule(): void {
    const again = () => {
      void this.look().finally(() => {
        if (!this.#stopped) this.#schedule();
      });
    };
    const { clock, ackTimeoutMs } = this.parts;
    this.#timer = clock.after(looksEveryMs(ackTimeoutMs), again, { ref: false });
  }

  /** One look at all sessions. */
  async look(): Promise<void> {
    const nowMs = this.parts.clock.nowMs();
    const previousMs = this.#lookedMs;
    this.#lookedMs = nowMs;
    const busy = new Map<SessionHandle, Busy>();
    const asked = new Map<string, { target: Target; pids: Map<number, SessionHandle> }>();
    const about = (target: Target) => {
      const key = targetKey(target);
      const one = asked.get(key) ?? { target, pids: new Map<number, SessionHandle>() };
      asked.set(key, one);
      return one.pids;
    };
    for (const session of this.parts.sessions()) {
      const { target } = session;
      const inFlight = this.parts.inFlight(session);
      const now = looked(this.#busy.get(session), inFlight?.statement ?? null, nowMs);
      if (!now || !target || !inFlight) continue;
      busy.set(session, now);
      if (isLong(now, nowMs)) about(target).set(inFlight.pid, session);
    }
    this.#busy = busy;
    for (const { target } of this.#left.values()) about(target);
    await Promise.all(
      [...asked.values()].map(({ target, pids }) => this.#ask(target, pids, nowMs, previousMs)),
    );
  }

  async #ask(
    target: Target,
    sessions: ReadonlyMap<number, SessionHandle>,
    nowMs: number,
    previousMs: number,
  ): Promise<void> {
    const key = targetKey(target);
    const left = this.#left.get(key)?.pids;
    const waiting = await this.parts.askWaiting(target, [...sessions.keys(), ...(left ?? [])]);
    if (waiting === null || this.#stopped) return;
    for (const pid of left ?? []) if (!waiting.includes(pid)) left?.delete(pid);
    for (const [pid, session] of sessions) {
      const before = this.#busy.get(session);
      // Meanwhile it may be done.
      if (!before || this.parts.inFlight(session)?.statement !== before.statement) continue;
      const now = answered(before, waiting.includes(pid), nowMs, previousMs);
      this.#busy.set(session, now);
      if (isOver(now, this.parts.clock.nowMs(), this.parts.ackTimeoutMs)) this.#leave(session, target, pid);
    }
    if (left?.size === 0 && this.#left.delete(key)) this.parts.report(target, false);
  }

  #leave(session: SessionHandle, target: Target, pid: number): void {
    const key = targetKey(target);
    const left = this.#left.get(key);
    if (left) left.pids.add(pid);
    else this.#left.set(key, { target, pids: new Set([pid]) });
    // First, so that whoever hears of the loss finds that mode.
    this.parts.report(target, true);
    session.destroy(
      Object.assign(new Error(`no standby has confirmed it within ${this.parts.ackTimeoutMs} ms`), {
        code: 'ECONNABORTED',
      }),
    );
  }
}
