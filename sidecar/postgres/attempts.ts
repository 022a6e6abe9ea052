import type pg from 'pg';
import { targetKey, type Role, type Target } from '../../common/names.js';
import type { SessionHandle } from '../ports.js';
import { putBack, takeStatements, type ClientInternals } from './internals.js';
import { releaseWaitersAtEnd } from './last-words.js';
import type { Losses } from './losses.js';
import type { Opening } from './opening.js';
import type { Reading } from './reading.js';
import { Renewal } from './renewal.js';
import type { ConnectBound, SessionLink } from './session-link.js';
import { place } from './ssl.js';
import { Turn } from './turn.js';
import { optionRefused, readStanding, standingQuestion, wouldWrite, type Standing } from './standing.js';

const noop = () => {};

/** A session, and what pg itself does for it. */
export interface AttemptParts {
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

/** A session's attempts to get connected, and what they have shown: whom it is connected to, and what that server is. */
export class Attempts implements Opening {
  target: Target | null = null;
  #role: Role | null = null;
  #running = false;
  #unregister = noop;
  readonly #renewal: Renewal;

  constructor(private readonly parts: AttemptParts) {
    this.#renewal = new Renewal(parts.session, parts.config);
    const { session } = parts;
    (session as unknown as NodeJS.EventEmitter).on('end', () => this.#unregister());
  }

  get running(): boolean {
    return this.#running;
  }

  role(): Role | null {
    return this.#role;
  }

  ending(): boolean {
    return this.parts.session._ending;
  }

  async attempt(target: Target, deadlineMs: number, { clock, own }: ConnectBound): Promise<void> {
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
    this.parts.reading.reset();
    place(session, target);
  }

  #listenForRole(): void {
    const { session, link, reading } = this.parts;
    session.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
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
    session.hasExecuted = false;
    return standing;
  }

  serves(): boolean {
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

  async renew(): Promise<void> {
    await this.#renewal.renew();
    this.parts.losses.forget();
  }

  /** A step of pg's log-in that goes on in the background. */
  loggingIn(step: unknown): void {
    this.#renewal.loggingIn(step);
  }
}
