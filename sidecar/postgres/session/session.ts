import type pg from 'pg';
import { asError, ConfigError } from '../../../common/errors.js';
import { sameTarget, type Role, type Target } from '../../../common/names.js';
import { outsideRequests } from '../../../common/runtime/context.js';
import { answer, type Connected, type Outcome } from './connect/announce.js';
import { Backstage } from './connect/backstage.js';
import {
  isConnecting,
  isEnding,
  isStartingUp,
  isWritable,
  markEnding,
  promiseOf,
  type ClientClass,
} from './pg-internals/client.js';
import {
  connectStep,
  endStep,
  errorEventStep,
  errorMessageStep,
  held,
  openUp,
  passwordStep,
  proofStep,
  sendNext,
  type OpenClient,
} from './pg-internals/open-client.js';
import { takeBackUnsent } from './pg-internals/statements.js';
import { boundFarewell } from './loss/last-words.js';
import { letGo } from './connect/let-go.js';
import { Losses } from './loss/losses.js';
import { Opening, terminated } from './connect/opening.js';
import { keptAlive } from './options.js';
import { Overdue } from './loss/query-timeout.js';
import { Reading, readingOnly } from './reading.js';
import { refuse } from './loss/refuse.js';
import { given } from './given.js';
import type { Routed } from './routed.js';
import type { Session, SessionLink } from './session-link.js';

const noop = () => {};

/**
 * A Client class for pg-pool whose sessions ask the router for a host when they connect, and prove by the server's own
 * word (`in_hot_standby`) that it is what they asked for. If it is not, or does not answer, they try again elsewhere: see
 * opening.ts. Errors are translated where they arrive: see losses.ts.
 *
 * No error of a session ever ends the process for want of a listener; listeners that exist hear it as ever.
 */
export function sessionClass(
  Base: ClientClass,
  linkOf: (config: pg.ClientConfig) => SessionLink | null,
): new (config?: pg.ClientConfig) => Session {
  class RoutedSession extends openUp(Base) {
    /**
     * Null: a plain client, exactly pg's. The only field: V8 makes a dictionary of a client that gains a few more, and then
     * each of its fields costs every statement several times as much.
     */
    readonly #routed: Routed | null;

    constructor(own?: pg.ClientConfig) {
      const link = linkOf(own ?? {});
      const config = link ? keptAlive(own ?? {}) : own;
      super(config);
      this.#routed = link && this.#route(link, config ?? {});
    }

    #route(link: SessionLink, config: pg.ClientConfig): Routed {
      const { connection }: { connection?: object } = this;
      if (!connection)
        throw new ConfigError('pool options', 'Client', Base.name, "pg's own Client or a subclass of it");
      if (link.readOnly) {
        const parameters = this.connectionParameters;
        parameters.options = readingOnly(parameters.options);
      }
      const reading = new Reading(link.readOnly);
      const backstage = new Backstage();
      const losses = new Losses(this, link, () => this.#circumstances(link, reading));
      const opening = new Opening({
        session: this,
        config,
        link,
        losses,
        reading,
        connect: (done) => super.connect(done),
        query: (question) => super.query(question) as never,
        pulse: () => this[sendNext](),
        begins: () => backstage.clear(),
      });
      const progress = { connectCalled: false, holding: false, adopted: false, abort: noop };
      return { link, losses, opening, reading, backstage, overdue: new Overdue(this), ...progress };
    }

    #circumstances({ readOnly, wanted }: SessionLink, reading: Reading) {
      const asChosen = typeof wanted !== 'string' || wanted === 'replica';
      return { target: this.target, role: this.role, readOnly, onlyReads: reading.only(this.role), asChosen };
    }

    get target(): Target | null {
      return this.#routed?.opening.target ?? null;
    }

    get role(): Role | null {
      return this.#routed?.opening.role() ?? null;
    }

    get toldReadOnly(): boolean {
      return this.#routed?.opening.toldReadOnly ?? false;
    }

    get alive(): boolean {
      return !this.#routed?.losses.lost;
    }

    get live(): boolean {
      return this.alive && !this.#routed?.opening.running && this.role !== null && !isEnding(this);
    }

    bytesRead(): number {
      return this.connection.stream.bytesRead ?? 0;
    }

    fits(): boolean {
      if (!this.#routed) return true;
      const { link, overdue, reading } = this.#routed;
      if (!this.alive || this.target === null || overdue.busy) return false;
      if (link.readOnly && reading.loosened(reading.ensured ? this.role : this.#newestRole(link)))
        return false;
      return typeof link.wanted === 'string'
        ? link.routing.fits(link.wanted, this.target)
        : sameTarget(link.wanted, this.target);
    }

    /** The session itself hears of a promotion with its next statement only. */
    #newestRole({ routing }: SessionLink): Role | null {
      return this.target && routing.fits('primary', this.target) ? 'primary' : this.role;
    }

    destroy(why: Error): void {
      this.connection.stream.destroy(why);
    }

    reconsider(): void {
      if (this.#routed?.opening.running && !this.fits())
        this.destroy(new Error('Connection terminated: no longer wanted'));
    }

    override connect(done?: Connected<OpenClient>): unknown {
      const routed = this.#routed;
      if (routed?.adopted) {
        routed.adopted = false;
        const outcome = { value: this, settle: () => null, connected: noop, failed: noop };
        return answer(promiseOf(this), Promise.resolve(), outcome, done);
      }
      // A second time is pg's to refuse.
      if (!routed || routed.connectCalled) return super.connect(done);
      routed.connectCalled = true;
      return answer(promiseOf(this), this.#open(routed), this.#outcome(routed), done);
    }

    #open(routed: Routed): Promise<void> {
      routed.backstage.enter();
      routed.holding = true;
      const aborted = new Promise<never>((_, reject) => {
        routed.abort = reject;
      });
      return Promise.race([routed.opening.open(), aborted]);
    }

    #outcome(routed: Routed): Outcome<OpenClient> {
      return {
        value: this,
        settle: (failure) => {
          // Ended by its user in the very moment in which it was proven.
          const error = failure ?? (isEnding(this) ? terminated() : null);
          const remarks = routed.backstage.leave();
          // It would keep the context of whoever connected.
          routed.abort = noop;
          if (error) routed.losses.neverConnected(error);
          else for (const remark of remarks) this.emit('notice', ...remark);
          return error;
        },
        connected: () => {
          routed.holding = false;
          super.emit('connect');
          if (!this[held]) this[sendNext]();
        },
        failed: () => super.emit('end'),
      };
    }

    adopt(): void {
      if (this.#routed) this.#routed.adopted = true;
      this.ref();
    }

    override emit(event: string, ...args: unknown[]): boolean {
      const routed = this.#routed;
      if (routed?.backstage.open && routed.backstage.keeps(event, args)) {
        // A log-in of pg that fails in its own way: else the attempt would wait for its deadline.
        if (event === 'error' && isConnecting(this)) super[errorEventStep](asError(args[0]));
        return true;
      }
      // A listener of our own would say so as well, and would be in the way whenever pg-pool changes its own: twice a statement.
      if (event === 'error' && routed && this.listenerCount('error') === 0) return false;
      return super.emit(event, ...args);
    }

    /** What cannot be written waits for the connection's end, which then tells that it was not sent. */
    override get [held](): boolean {
      const routed = this.#routed;
      return routed !== null && (routed.holding || !isWritable(this));
    }

    override end(callback?: () => void): unknown {
      const routed = this.#routed;
      if (!routed) return super.end(callback);
      if (routed.backstage.open) {
        markEnding(this);
        routed.abort(terminated());
        if (routed.opening.running) this.destroy(terminated());
        else routed.opening.discard();
      } else if (!routed.connectCalled) routed.losses.abandon(terminated());
      else if (isStartingUp(this)) boundFarewell(this, routed.link.clock);
      return super.end(callback);
    }

    /** A request to cancel goes to the server that runs the statement. */
    override cancel(client: object, query: unknown): void {
      const { target }: { target?: Target | null } = client;
      if (target && this.target === null) Object.assign(this, { host: target.host, port: target.port });
      super.cancel(client, query);
    }

    /** A session outlives the request that needed it first; its socket must not keep that one's context. */
    override [connectStep](callback: (error: Error | null) => void): void {
      if (!this.#routed) return super[connectStep](callback);
      const own = letGo(callback);
      outsideRequests(() => super[connectStep](own));
    }

    override [passwordStep](use: () => unknown): void {
      const { connection } = this;
      super[passwordStep](() => {
        // A password that took its time may come after its connection was given up.
        if (this.connection !== connection) return;
        const step = use();
        this.#routed?.opening.loggingIn(step);
      });
    }

    override [proofStep](message: unknown): Promise<void> {
      const step = super[proofStep](message);
      this.#routed?.opening.loggingIn(step);
      return step;
    }

    override query(...args: unknown[]): unknown {
      const routed = this.#routed;
      if (!routed) return super.query(...args);
      const config = args[0];
      const { lost } = routed.losses;
      if (lost !== null) return refuse(routed.losses.refusal(config, lost), config, args[1], args[2]);
      routed.reading.sends(config);
      const timed = given(config).query_timeout || this.connectionParameters.query_timeout;
      const was = isWritable(this);
      // Given on as it came, in number as well: tracers patch what hears it.
      const result = timed ? this.#watched(routed, args) : super.query(...args);
      // So it was this statement on which the socket failed.
      if (was && !isWritable(this)) takeBackUnsent(this);
      return result;
    }

    /** Apart: a function that makes a closure pays for it in each call. */
    #watched({ overdue }: Routed, args: unknown[]): unknown {
      return overdue.watch(args, (...own) => super.query(...own));
    }

    override [errorMessageStep](error: Error): void {
      const losses = this.#routed?.losses;
      super[errorMessageStep](!losses || isConnecting(this) ? error : losses.translated(error));
    }

    override [errorEventStep](error: Error): void {
      if (!isConnecting(this)) this.#routed?.losses.mark(error);
      super[errorEventStep](error);
    }

    override [endStep](error: Error): void {
      const { losses, backstage } = this.#routed ?? {};
      if (!losses || (isEnding(this) && losses.lost === null)) super[endStep](error);
      else if (backstage?.open) losses.failSent(error);
      else losses.failAll(error);
    }
  }

  return RoutedSession as unknown as new (config?: pg.ClientConfig) => Session;
}
