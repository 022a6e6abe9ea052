import type pg from 'pg';
import { ConfigError } from '../../../common/errors.js';
import { sameTarget, type Role, type Target } from '../../../common/names.js';
import { outsideRequests } from '../../../common/runtime/context.js';
import { announce, type Connected, type Outcome } from './connect/announce.js';
import { Backstage } from './connect/backstage.js';
import type { ClientInternals } from './pg-internals.js';
import { boundFarewell } from './loss/last-words.js';
import { letGo } from './connect/let-go.js';
import { Losses } from './loss/losses.js';
import { Opening, terminated } from './connect/opening.js';
import { keptAlive } from './options.js';
import { Overdue } from './loss/query-timeout.js';
import { Reading, readingOnly } from './reading.js';
import { refuse } from './loss/refuse.js';
import type { Session, SessionLink } from './session-link.js';

type ClientClass = new (config?: string | pg.ClientConfig) => pg.Client;

const noop = () => {};

/** What a session has that a plain client has not. */
interface Routed {
  readonly link: SessionLink;
  readonly losses: Losses;
  readonly overdue: Overdue;
  readonly opening: Opening;
  readonly reading: Reading;
  /** Entered by `connect`, left when it is proven. */
  readonly backstage: Backstage;
  connectCalled: boolean;
  /** From `connect` until everybody has been told; what is sent meanwhile waits. */
  holding: boolean;
  adopted: boolean;
  abort: (error: Error) => void;
}

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
  const Client = Base as unknown as new (config?: pg.ClientConfig) => pg.Client & ClientInternals;

  class RoutedSession extends Client {
    /** Null: a plain client, exactly pg's. The only field: V8 makes a slow dictionary of a client that gains a few more. */
    readonly #routed: Routed | null;

    constructor(given?: pg.ClientConfig) {
      const link = linkOf(given ?? {});
      const config = link ? keptAlive(given ?? {}) : given;
      super(config);
      this.#routed = link && this.#route(link, config ?? {});
    }

    #route(link: SessionLink, config: pg.ClientConfig): Routed {
      if (!(this.connection as unknown))
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
        connect: (done) => super.connect(done as (error: Error) => void),
        query: (question) => super.query(question) as never,
        pulse: () => super._pulseQueryQueue(),
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

    get alive(): boolean {
      return !this.#routed?.losses.lost;
    }

    get live(): boolean {
      return this.alive && !this.#routed?.opening.running && this.role !== null && !this._ending;
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

    override connect(): Promise<pg.Client>;
    override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void;
    override connect(callback?: unknown): Promise<pg.Client> | void {
      const done = callback as Connected<pg.Client> | undefined;
      const routed = this.#routed;
      if (routed?.adopted) {
        routed.adopted = false;
        const outcome = { value: this, settle: () => null, connected: noop, failed: noop };
        return this.#answer(Promise.resolve(), outcome, done);
      }
      // A second time is pg's to refuse.
      if (!routed || routed.connectCalled) return super.connect(callback as () => void);
      routed.connectCalled = true;
      return this.#answer(this.#open(routed), this.#outcome(routed), done);
    }

    #answer(
      opened: Promise<void>,
      outcome: Outcome<pg.Client>,
      done: Connected<pg.Client> | undefined,
    ): Promise<pg.Client> | void {
      if (done) return announce(opened, outcome, done);
      return new this._Promise<pg.Client>((resolve, reject) =>
        announce(opened, outcome, (error) => (error ? reject(error) : resolve(this))),
      );
    }

    #open(routed: Routed): Promise<void> {
      routed.backstage.enter();
      routed.holding = true;
      const aborted = new Promise<never>((_, reject) => {
        routed.abort = reject;
      });
      return Promise.race([routed.opening.open(), aborted]);
    }

    #outcome(routed: Routed): Outcome<pg.Client> {
      return {
        value: this,
        settle: (failure) => {
          // Ended by its user in the very moment in which it was proven.
          const error = failure ?? (this._ending ? terminated() : null);
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
          super._pulseQueryQueue();
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
        if (event === 'error' && this._connecting) super._handleErrorEvent(args[0] as Error);
        return true;
      }
      // A listener of our own would say so as well, and would be in the way whenever pg-pool changes its own: twice a statement.
      if (event === 'error' && routed && this.listenerCount('error') === 0) return false;
      return super.emit(event as 'drain', ...(args as []));
    }

    override _pulseQueryQueue(): void {
      if (!this.#routed?.holding) super._pulseQueryQueue();
    }

    override end(): Promise<void>;
    override end(callback: (error: Error) => void): void;
    override end(callback?: unknown): Promise<void> | void {
      const routed = this.#routed;
      if (!routed) return super.end(callback as () => void);
      if (routed.backstage.open) {
        this._ending = true;
        this._ended = true;
        routed.abort(terminated());
        if (routed.opening.running) this.destroy(terminated());
        else routed.opening.discard();
      } else if (!routed.connectCalled) routed.losses.abandon(terminated());
      else if (this.connection._connecting && !this._ended) boundFarewell(this, routed.link.clock);
      return super.end(callback as () => void);
    }

    /** A request to cancel goes to the server that runs the statement. */
    override cancel(client: unknown, query: unknown): void {
      const { target } = client as Partial<Session>;
      if (target && this.target === null) Object.assign(this, { host: target.host, port: target.port });
      super.cancel(client, query);
    }

    /** A session outlives the request that needed it first; its socket must not keep that one's context. */
    override _connect(callback: (error: Error | null) => void): void {
      if (!this.#routed) return super._connect(callback);
      const own = letGo(callback);
      outsideRequests(() => super._connect(own));
    }

    override _getPassword(use: () => unknown): void {
      const { connection } = this;
      super._getPassword(() => {
        // A password that took its time may come after its connection was given up.
        if (this.connection !== connection) return;
        const step = use();
        this.#routed?.opening.loggingIn(step);
      });
    }

    override _handleAuthSASLContinue(message: unknown): Promise<void> {
      const step = super._handleAuthSASLContinue(message);
      this.#routed?.opening.loggingIn(step);
      return step;
    }

    override query(...given: unknown[]): never {
      const routed = this.#routed;
      if (routed) {
        const { lost } = routed.losses;
        const config = given[0] as { query_timeout?: unknown } | null | undefined;
        if (lost !== null)
          return refuse(routed.losses.refusal(config, lost), config, given[1], given[2]) as never;
        routed.reading.sends(config);
        if (config?.query_timeout || this.connectionParameters.query_timeout)
          return routed.overdue.watch(
            given,
            (...own) => super.query(...(own as [string])) as unknown,
          ) as never;
      }
      // Given on as it came, in number as well: tracers patch what hears it.
      return super.query(...(given as [string])) as never;
    }

    override _handleErrorMessage(error: Error): void {
      const losses = this.#routed?.losses;
      super._handleErrorMessage(!losses || this._connecting ? error : losses.translated(error));
    }

    override _handleErrorEvent(error: Error): void {
      if (!this._connecting) this.#routed?.losses.mark(error);
      super._handleErrorEvent(error);
    }

    override _errorAllQueries(error: Error): void {
      const { losses, backstage } = this.#routed ?? {};
      if (!losses || (this._ending && losses.lost === null)) super._errorAllQueries(error);
      else if (backstage?.open) losses.failSent(error);
      else losses.failAll(error);
    }
  }

  return RoutedSession as unknown as new (config?: pg.ClientConfig) => Session;
}
