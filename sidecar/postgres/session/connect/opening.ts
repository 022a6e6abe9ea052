import type pg from 'pg';
import { backoffMs } from '../../../../common/backoff.js';
import { sleep, type Clock } from '../../../../common/clock.js';
import { messageOf } from '../../../../common/errors.js';
import { targetKey, type Role, type Target } from '../../../../common/names.js';
import { DownError } from '../../../errors.js';
import type { SessionHandle } from '../../../ports.js';
import { isEnding, withoutDrain, type ClientInternals } from '../pg-internals/client.js';
import { putBack, takeStatements } from '../pg-internals/statements.js';
import { releaseWaitersAtEnd } from '../loss/last-words.js';
import type { Losses } from '../loss/losses.js';
import type { Reading } from '../reading.js';
import { Renewal } from './reconnect.js';
import type { ConnectBound, SessionLink } from '../session-link.js';
import { place } from '../ssl.js';
import { HeldUpError } from '../../proof/own-side.js';
import { troubleOf } from '../../proof/trouble.js';
import { Turn } from './turn.js';
import {
  optionRefused,
  readingSetting,
  readStanding,
  standingQuestion,
  wouldWrite,
  type Standing,
} from '../../proof/standing.js';

const noop = () => {};

/** pg's words for a client that was ended. */
export const terminated = () => new Error('Connection terminated');

const retry = { baseMs: 10, maxMs: 100 };

/** A session, and what pg itself does for it. */
export interface OpeningParts {
  readonly session: ClientInternals & SessionHandle;
  readonly config: pg.ClientConfig;
  readonly link: SessionLink;
  readonly losses: Losses;
  readonly reading: Reading;
  connect(done: (error: Error | null) => void): void;
  query(question: pg.QueryConfig): Promise<{ readonly rows: readonly unknown[][] }>;
  /** Sends what waits. */
  pulse(): void;
  /** An attempt begins: what was said in the one before is forgotten. */
  begins(): void;
}

/**
 * Gets a session connected: asks the router for a host and tries it, and another one, until a server serves. Knows what that has
 * shown: whom the session is connected to, and what that server is.
 */
export class Opening {
  target: Target | null = null;
  /** The server has said last that new transactions only read, whoever has set that. */
  toldReadOnly = false;
  #role: Role | null = null;
  #running = false;
  #unregister = noop;
  readonly #renewal: Renewal;

  constructor(private readonly parts: OpeningParts) {
    this.#renewal = new Renewal(parts.session, parts.config);
    const { session } = parts;
    session.on('end', () => this.#unregister());
  }

  get running(): boolean {
    return this.#running;
  }

  role(): Role | null {
    return this.#role;
  }

  get #ending(): boolean {
    return isEnding(this.parts.session);
  }

  /** Tries until a server serves or the link's deadline is over; to the pool it is one `connect`. */
  async open(): Promise<void> {
    const { link } = this.parts;
    const bound = link.bound();
    const { clock, ms } = bound;
    const deadlineMs = clock.nowMs() + ms;
    let last: unknown;
    for (let attempt = 0; ; attempt++) {
      const target = await this.#next(deadlineMs, clock);
      if (attempt > 0) await this.#renew();
      if (this.#ending) throw terminated();
      try {
        await this.#attempt(target, deadlineMs, bound);
        if (this.#serves()) return link.routing.report({ type: 'served', target });
        this.discard();
        last = new Error(`${targetKey(target)} is a ${this.#role} now`);
      } catch (error) {
        last = error;
        this.discard();
        if (this.#ending) throw terminated();
        this.#judge(target, error);
      }
      if (this.#ending) throw terminated();
      if (clock.nowMs() >= deadlineMs)
        throw new DownError(`no connection within ${ms} ms: ${messageOf(last)}`, last);
      if (typeof link.wanted === 'string' && !link.routing.fits(link.wanted, target)) continue;
      // Still thought fit, so it is being probed: give the verdict a moment, or it gets a storm of attempts.
      await sleep(link.clock, backoffMs(attempt, retry, link.random));
    }
  }

  #next(deadlineMs: number, clock: Clock): Promise<Target> {
    const { wanted, routing } = this.parts.link;
    return typeof wanted === 'string' ? routing.target(wanted, deadlineMs, clock) : Promise.resolve(wanted);
  }

  /** Of a failed attempt: tells the router, and throws what another attempt would not mend. */
  #judge(target: Target, error: unknown): void {
    if (error instanceof HeldUpError) throw new DownError(`no connection: ${error.message}`, error);
    // Our own word on what stands in between: nothing is wrong with the member.
    if (error instanceof DownError) throw error;
    const trouble = troubleOf(error);
    this.parts.link.routing.report({ type: 'failed', target, trouble, by: 'session' });
    if (trouble.kind === 'rejected') throw error;
  }

  async #attempt(target: Target, deadlineMs: number, { clock, own }: ConnectBound): Promise<void> {
    const { session, link } = this.parts;
    this.parts.begins();
    this.#goTo(target);
    this.#listenForRole();
    this.#running = true;
    this.#unregister = link.routing.register(session);
    const turn = new Turn(session, own, (error) => session.destroy(error));
    const timer = clock.after(Math.max(1, deadlineMs - clock.nowMs()), () =>
      session.destroy(Object.assign(new Error(`${targetKey(target)} did not answer`), { code: 'ETIMEDOUT' })),
    );
    try {
      await this.#connect(target);
      if (this.#mustAsk(target)) this.#learn(target, await this.#ask());
    } finally {
      this.#running = false;
      timer.cancel();
      turn.over();
    }
  }

  #connect(target: Target): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.parts.connect((error) => {
        if (!error) return resolve();
        // At once, before the socket's own end is heard as the end of this client.
        this.discard();
        reject((this.parts.link.readOnly && optionRefused(targetKey(target), error)) || error);
      });
      releaseWaitersAtEnd(this.parts.session);
    });
  }

  #goTo(target: Target): void {
    const { session } = this.parts;
    this.target = target;
    this.#role = null;
    this.toldReadOnly = false;
    this.parts.reading.reset();
    place(session, target);
  }

  #listenForRole(): void {
    const { session, link, reading, losses } = this.parts;
    session.connection.on('notice', (notice: { routine?: string }) => losses.remarked(notice));
    session.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName === readingSetting) this.toldReadOnly = message.parameterValue === 'on';
      // What is said at the start is asked for instead, where it matters.
      if (!this.#running) reading.told(message.parameterName, message.parameterValue);
      if (message.parameterName !== 'in_hot_standby') return;
      const role: Role = message.parameterValue === 'on' ? 'replica' : 'primary';
      const changed = this.#role !== null && this.#role !== role;
      this.#role = role;
      if (changed && this.target) link.routing.report({ type: 'proved', target: this.target, role });
    });
  }

  /**
   * Servers before 14 do not tell by themselves, and a pooler that answers the start-up repeats what a server told it once:
   * so when that is not what is known of this member. A read session is always asked whether it only reads.
   */
  #mustAsk(target: Target): boolean {
    const role = this.#role;
    return this.parts.link.readOnly || role === null || role !== this.#takenFor(target);
  }

  #takenFor(target: Target): Role {
    return this.parts.link.routing.fits('primary', target) ? 'primary' : 'replica';
  }

  #learn(target: Target, { role, reads }: Standing): void {
    this.#role = role;
    const { link, reading } = this.parts;
    if (!link.readOnly) return;
    if (role === 'primary' && !reads) throw wouldWrite(targetKey(target));
    reading.ensured = reads;
  }

  async #ask(): Promise<Standing> {
    const { session } = this.parts;
    const { unsent } = takeStatements(session);
    const answer = this.parts.query(standingQuestion);
    this.parts.pulse();
    putBack(session, unsent);
    const standing = readStanding((await answer).rows[0]);
    // Nobody has sent anything yet: pg need not tell of it as done.
    withoutDrain(session);
    return standing;
  }

  /** Whether this server is what we asked for, by its own word and by the router's newest. */
  #serves(): boolean {
    const role = this.#role;
    if (this.target === null || role === null) return false;
    const { wanted, routing } = this.parts.link;
    if (typeof wanted !== 'string') return true;
    if (this.#takenFor(this.target) !== role) routing.report({ type: 'proved', target: this.target, role });
    return routing.fits(wanted, this.target);
  }

  discard(): void {
    this.#unregister();
    this.#unregister = noop;
    this.#renewal.discard();
  }

  /** Makes another attempt possible. */
  async #renew(): Promise<void> {
    await this.#renewal.renew();
    this.parts.losses.forget();
  }

  /** A step of pg's log-in that goes on in the background. */
  loggingIn(step: unknown): void {
    this.#renewal.loggingIn(step);
  }
}
