import type pg from 'pg';
import { backoffMs } from '../../../common/backoff.js';
import type { Clock, Timer } from '../../../common/clock.js';
import type { Random } from '../../../common/random.js';
import { outsideRequests } from '../../../common/runtime/context.js';
import type { Router } from '../../shell/router.js';
import type { Session, SessionLink } from '../session/session-link.js';

/** Between looks at whether a spare is wanted and there, in ms. */
const checkMs = 1_000;
/** After a primary and a replica have been found, at most, ms: many processes find them at the same moment. */
const spreadMs = 100;
/** After a failed attempt. */
const retry = { baseMs: 1_000, maxMs: 30_000 };

/** It is the pool's once it is taken. */
interface SpareLink extends Omit<SessionLink, 'wanted'> {
  wanted: SessionLink['wanted'];
}

export interface WarmSpareParts {
  readonly router: Pick<Router, 'eligible' | 'fits' | 'state'>;
  readonly clock: Clock;
  readonly random: Random;
  /** A session not yet connected, with a link of its own. */
  readonly make: (link: SessionLink) => Session;
  readonly link: SessionLink;
}

/**
 * One session to a replica, logged in and idle, while the primary is well. When it is lost the pool's first query goes
 * there at once: a log-in takes longest just then, with everybody else logging in too.
 *
 * It is not one of the pool's `max` until the pool takes it, and never keeps the process alive before.
 */
export class WarmSpare {
  #spare: { readonly session: Session; readonly link: SpareLink } | undefined;
  #ready = false;
  #timer: Timer | undefined;
  #soon: Timer | undefined;
  #wanted = false;
  #failures = 0;
  #notBeforeMs = 0;
  #stopped = false;

  constructor(private readonly parts: WarmSpareParts) {}

  /** Idempotent; called when the pool is used for the first time. */
  start(): void {
    if (this.#timer || this.#stopped) return;
    const { clock } = this.parts;
    outsideRequests(() => this.#check());
    this.#timer = clock.after(
      checkMs,
      () => {
        this.#timer = undefined;
        this.start();
      },
      { ref: false },
    );
  }

  /**
   * Called whenever something was heard of a member: a primary that is back may be lost again within the second, and what
   * then is missing costs a log-in.
   */
  heard(): void {
    const wanted = this.#isWanted();
    if (wanted && !this.#wanted && this.#timer) {
      const { clock, random } = this.parts;
      this.#soon?.cancel();
      this.#soon = clock.after(spreadMs * random(), () => this.#check(), { ref: false });
    }
    this.#wanted = wanted;
  }

  /** The spare, if it may serve the pool now; it is the pool's from then on. */
  take(): Session | undefined {
    const spare = this.#spare;
    const target = spare?.session.target;
    if (!spare || !this.#ready || !target || !spare.session.live) return undefined;
    if (!this.parts.router.fits('main', target)) return undefined;
    this.#spare = undefined;
    this.#ready = false;
    spare.link.wanted = 'main';
    spare.session.adopt();
    return spare.session;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#soon?.cancel();
    this.#drop();
  }

  #isWanted(): boolean {
    const { router } = this.parts;
    return router.state.mode === 'read-write' && router.eligible('replica').length > 0;
  }

  #check(): void {
    const { clock } = this.parts;
    if (this.#spare) {
      if (this.#ready && !this.#spare.session.fits()) this.#drop();
      return;
    }
    if (this.#isWanted() && clock.nowMs() >= this.#notBeforeMs) this.#open();
  }

  #open(): void {
    const link: SpareLink = { ...this.parts.link, wanted: 'replica' };
    const session = this.parts.make(link);
    const spare = { session, link };
    this.#spare = spare;
    const gone = () => {
      if (this.#spare !== spare) return;
      this.#spare = undefined;
      this.#ready = false;
    };
    session.on('end', gone);
    session.on('error', gone);
    session.connect().then(
      () => {
        session.unref();
        this.#failures = 0;
        if (this.#stopped) void session.end().catch(() => {});
        else if (this.#spare === spare) this.#ready = true;
      },
      () => {
        const { clock, random } = this.parts;
        this.#notBeforeMs = clock.nowMs() + backoffMs(this.#failures++, retry, random);
        gone();
      },
    );
    session.unref();
  }

  #drop(): void {
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare && this.#ready) void spare.session.end().catch(() => {});
    this.#ready = false;
  }
}

/** A Client class for pg-pool that gives out the spare, when there is one that fits, instead of a new session. */
export function sparing(
  Fresh: new (config?: pg.ClientConfig) => Session,
  take: () => Session | undefined,
): new (config?: pg.ClientConfig) => Session {
  // In all else it is that class: for `instanceof`, for who patches its prototype, and when it is called without `new`.
  const SpareOrFresh: typeof Fresh = new Proxy(Fresh, {
    construct: (target, given, as) =>
      as === SpareOrFresh
        ? // V8 keeps what is made for a Proxy as a dictionary, and then each of its fields costs every statement several times as much.
          (take() ?? new Fresh(...(given as [pg.ClientConfig])))
        : (Reflect.construct(target, given, as) as Session),
  });
  return SpareOrFresh;
}
