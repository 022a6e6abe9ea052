import type { AwakeClock } from '../../common/awake-clock.js';
import type { Clock, Timer } from '../../common/clock.js';
import { sameTarget, targetKey, type Target } from '../../common/names.js';
import type { Random } from '../../common/random.js';
import { assertNever } from '../../common/assert-never.js';
import { eligible, type Use } from '../core/mode/eligible.js';
import { hurriedMs } from '../core/managed/bars.js';
import type { Effect, Event, RouteConfig, State } from '../core/model.js';
import { trouble } from '../core/words/reasons.js';
import { account } from '../core/words/remarks.js';
import { initialState, route, startOf } from '../core/route.js';
import { DownError } from '../errors.js';
import { NextWord } from './next-word.js';
import type { Monitor, Report, Routing, SessionHandle, Whereabouts } from '../ports.js';
import { AckWatch } from './ack-watch.js';
import type { RouterParts } from './router-parts.js';
import { unserved } from './unserved.js';
import { Waiters } from './waiters.js';

/** What Consul has said within this time need not be confirmed, ms. */
const confirmMs = 500;

/** Feeds `route` with what is heard, and does what it says. Holds no opinion of its own. */
export class Router implements Routing {
  #state: State = initialState;
  #started = false;
  #stopped = false;
  #modeSinceMs = 0;
  #tickedMs = 0;
  #unsubscribe = () => {};
  #tick: Timer | undefined;
  readonly #monitors = new Map<string, Monitor>();
  readonly #sessions = new Set<SessionHandle>();
  readonly #waiters = new Waiters();
  readonly #next = new NextWord();
  /** What each member last said when it rejected us, for people and for callers that must see it. */
  readonly #refusals = new Map<string, Error>();
  /** The eligible members of each use, worked out once per state. */
  readonly #eligible = new Map<Use, readonly Target[]>();

  readonly #acks: AckWatch;

  constructor(private readonly parts: RouterParts) {
    this.#acks = new AckWatch({
      clock: parts.clock,
      ackTimeoutMs: parts.config.ackTimeoutMs,
      sessions: () => this.#sessions,
      inFlight: parts.inFlight,
      askWaiting: (target, pids) =>
        this.#monitors.get(targetKey(target))?.askWaiting(pids) ?? Promise.resolve(null),
      report: (target, missing) => this.#dispatch({ type: 'acknowledgements', target, missing }),
    });
  }

  get managed(): boolean {
    return this.#state.managed;
  }

  get state(): State {
    return this.#state;
  }

  /** Idempotent. Nothing happens before: no socket, no timer. */
  start(): void {
    if (this.#started || this.#stopped) return;
    this.#started = true;
    this.parts.listeners.onStart();
    this.#state = startOf(this.parts.config, this.parts.clock.nowMs());
    this.#modeSinceMs = this.parts.patience.nowMs();
    this.#tickedMs = this.parts.clock.nowMs();
    this.#schedule();
    this.#unsubscribe = this.parts.discovery.subscribe((proposal) =>
      this.#dispatch({ type: 'proposal', ...proposal }),
    );
  }

  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#tick?.cancel();
    this.#acks.stop();
    this.#unsubscribe();
    for (const monitor of this.#monitors.values()) monitor.stop();
    this.#monitors.clear();
    this.#waiters.serve(() => new DownError('the pool was ended'));
    this.#next.end();
  }

  report(report: Report): void {
    // Once that is decided it is no news.
    if (report.type === 'served' && this.#state.system.kind === 'own') return;
    if (report.type !== 'failed') return this.#dispatch(report);
    this.#dispatch({ ...report, sessionsLive: this.#sessionsOf(report.target).some(({ live }) => live) });
  }

  /** The server's own words when it rejected us; kept until it is proven. */
  refused(target: Target, error: Error): void {
    this.#refusals.set(targetKey(target), error);
  }

  register(session: SessionHandle): () => void {
    this.#sessions.add(session);
    return () => this.#sessions.delete(session);
  }

  bytesReadFrom(target: Target): number {
    return this.#sessionsOf(target).reduce((bytes, session) => bytes + session.bytesRead(), 0);
  }

  /** How far this member was when its monitor last asked, in the session that is open now. */
  whereabouts(target: Target): Whereabouts | null {
    return this.#monitors.get(targetKey(target))?.whereabouts ?? null;
  }

  /** Null: nobody there says. Never rejects. */
  askWhereabouts(target: Target): Promise<Whereabouts | null> {
    return this.#monitors.get(targetKey(target))?.askWhereabouts() ?? Promise.resolve(null);
  }

  /** Ms between two heartbeats while the primary is being moved; null: it is not. */
  hurriedMs(): number | null {
    return hurriedMs(this.#state, this.parts.clock.nowMs());
  }

  /**
   * Asks the writer anew, which has refused a write. Resolves once it is known whether it is the writer all the same; at
   * once where nobody moves the primary. At most two answers are waited for: one may have been on its way.
   */
  async judgeWriter(): Promise<void> {
    const { writer, managed } = this.#state;
    if (!managed || !writer) return;
    for (let answers = 0; answers < 2 && this.fits('primary', writer); answers++) {
      this.#dispatch({ type: 'write-refused', target: writer });
      await this.#next.heard(targetKey(writer));
    }
  }

  /** For those who wait: it stands still while this process does not run, or the app keeps a log-in. */
  get patience(): AwakeClock {
    return this.parts.patience;
  }

  get random(): Random {
    return this.parts.random;
  }

  get routeConfig(): RouteConfig {
    return this.parts.config;
  }

  eligible(use: Use): readonly Target[] {
    let targets = this.#eligible.get(use);
    if (!targets) {
      targets = eligible(this.#state, use, this.parts.config);
      this.#eligible.set(use, targets);
    }
    return targets;
  }

  fits(use: Use, target: Target): boolean {
    return this.eligible(use).some((other) => sameTarget(other, target));
  }

  target(use: Use, deadlineMs: number, clock: Clock): Promise<Target> {
    if (this.#stopped) return Promise.reject(new DownError('the pool was ended'));
    this.start();
    const now = this.#choose(use) ?? this.#hopeless();
    if (now instanceof Error) return Promise.reject(now);
    if (now) return Promise.resolve(now);
    const bounds = [
      { clock, ms: deadlineMs - clock.nowMs() },
      { clock: this.parts.patience, ms: this.#patienceLeftMs(use) },
    ];
    return this.#waiters.wait(use, bounds, () => unserved(use, this.#state, [...this.#refusals.values()][0]));
  }

  /**
   * Monitors notice by themselves when somebody is back. So once all has been down for a while, a query fails at once;
   * else a busy app would queue up behind one wait after the other.
   */
  #patienceLeftMs(use: Use): number {
    if (this.#state.mode !== 'down' || use === 'primary' || use === 'replica') return Infinity;
    const { patience, config } = this.parts;
    return this.#modeSinceMs + config.patienceMs - patience.nowMs();
  }

  #choose(use: Use): Target | undefined {
    const targets = this.eligible(use);
    return targets[Math.floor(this.parts.random() * targets.length)];
  }

  /** Everybody is alive and rejects us: waiting will not help, and the caller should see why (a wrong password). */
  #hopeless(): Error | undefined {
    const members = [...this.#state.members.values()];
    if (members.length === 0) return undefined;
    const rejected = members.every(
      ({ standing }) => standing.kind === 'gone' && standing.trouble.kind === 'rejected',
    );
    return rejected ? this.#refusals.get(targetKey(members[0]!.target)) : undefined;
  }

  #schedule(): void {
    this.#tick = this.parts.clock.after(
      this.parts.config.tickMs,
      () => {
        this.#dispatch({ type: 'tick', sleptMs: this.#sleptMs() });
        if (!this.#stopped) this.#schedule();
      },
      { ref: false },
    );
  }

  /** A little late is nothing. */
  #sleptMs(): number {
    const { clock, config } = this.parts;
    const passedMs = clock.nowMs() - this.#tickedMs;
    this.#tickedMs += passedMs;
    return passedMs > 2 * config.tickMs ? passedMs - config.tickMs : 0;
  }

  #dispatch(event: Event): void {
    if (this.#stopped) return;
    if ((event.type === 'proved' || event.type === 'heartbeat') && this.#refusals.size > 0)
      this.#refusals.delete(targetKey(event.target));
    const { state, effects } = route(this.#state, event, this.parts.clock.nowMs(), this.parts.config);
    if (state !== this.#state) this.#eligible.clear();
    if (state.mode !== this.#state.mode) this.#modeSinceMs = this.parts.patience.nowMs();
    this.#state = state;
    if (state.managed) this.#acks.start();
    if (state.waiting.size > 0) this.parts.onCrowd(state.members.size + state.waiting.size);
    for (const effect of effects) this.#perform(effect);
    if (this.#waiters.size > 0) this.#serve();
    if (event.type === 'heartbeat' || event.type === 'failed' || event.type === 'lost')
      this.#next.said(targetKey(event.target));
    this.parts.listeners.onHeard();
  }

  #serve(): void {
    const hopeless = this.#hopeless();
    this.#waiters.serve((use) => this.#choose(use) ?? hopeless);
  }

  #perform(effect: Effect): void {
    switch (effect.do) {
      case 'destroy':
        return this.#destroy(effect.target);
      case 'retire':
        for (const session of [...this.#sessions]) session.reconsider();
        return this.parts.listeners.onRetire();
      case 'mode':
        return this.parts.listeners.onMode({
          mode: effect.mode,
          previous: effect.previous,
          reason: account(this.#state),
        });
      case 'watch':
        return this.#watch(effect.target);
      case 'unwatch':
        this.#monitors.get(targetKey(effect.target))?.stop();
        this.#monitors.delete(targetKey(effect.target));
        this.#refusals.delete(targetKey(effect.target));
        return this.#next.said(targetKey(effect.target));
      case 'probe':
        return this.#monitors.get(targetKey(effect.target))?.probe();
      case 'lookup':
        return this.parts.discovery.refresh();
      case 'confirm':
        return this.parts.discovery.refresh(confirmMs);
      case 'remember':
        return this.parts.discovery.remember(effect.systemId);
      default:
        return assertNever(effect);
    }
  }

  #destroy(target: Target): void {
    const standing = this.#state.members.get(targetKey(target))?.standing;
    const what = standing?.kind === 'gone' ? trouble(standing.trouble) : 'does not answer';
    // With a code of sockets: a session that is just logging in there takes it for the end of a connection, not for a no
    // of the server, and goes on elsewhere.
    const why = Object.assign(new Error(`${targetKey(target)} ${what}: its connections were given up`), {
      code: 'ECONNABORTED',
    });
    for (const session of this.#sessionsOf(target)) session.destroy(why);
  }

  #sessionsOf(target: Target): SessionHandle[] {
    return [...this.#sessions].filter((session) => session.target && sameTarget(session.target, target));
  }

  #watch(target: Target): void {
    const key = targetKey(target);
    if (this.#monitors.has(key)) return;
    this.#monitors.set(
      key,
      this.parts.monitors.start(target, (report) => this.report(report)),
    );
  }
}
