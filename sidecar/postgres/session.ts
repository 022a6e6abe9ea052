import type pg from 'pg';
import type { Clock } from '../../common/clock.js';
import { sleep } from '../../common/clock.js';
import { codeOf, messageOf } from '../../common/errors.js';
import { sameTarget, targetKey, type Role, type Target } from '../../common/names.js';
import type { Use } from '../core/eligible.js';
import { DownError } from '../errors.js';
import type { Routing, SessionHandle } from '../ports.js';
import { isFatal, troubleOf } from './failures.js';
import { asText } from './heartbeat.js';
import { isRollback, refuse } from './refuse.js';
import { sslForName } from './ssl.js';
import { interrupted, tooLate, unsent, writeRefused, type Circumstances } from './translate.js';
import {
  Connection,
  hasActiveStatement,
  takeStatements,
  type ClientInternals,
  type ConnectionOptions,
  type Statement,
} from './internals.js';

/** How a session finds its host. */
export interface SessionLink {
  readonly routing: Routing;
  readonly clock: Clock;
  /** A use, or one fixed member whatever its role. */
  readonly wanted: Use | Target;
  /** For a host, a start-up and a proof, all in all. */
  readonly connectDeadlineMs: number;
  /** Start with `default_transaction_read_only=on`. */
  readonly readOnly: boolean;
}

/** A pg.Client that knows whom it is connected to. */
export interface Session extends pg.Client, SessionHandle {
  readonly target: Target | null;
  readonly role: Role | null;
  /** False once its socket is known to be dead. */
  readonly alive: boolean;
  fits(): boolean;
  /** It is connected already; the next `connect` only says so, and from then on it keeps the process alive. */
  adopt(): void;
  ref(): void;
  unref(): void;
}

type ClientClass = new (config?: string | pg.ClientConfig) => pg.Client;
type Connected = (error: Error | null, client?: unknown) => void;

const noop = () => {};

/**
 * A Client class for pg-pool whose sessions ask the router for a host when they connect, and prove by the server's own
 * word (`in_hot_standby`) that it is what they asked for. If it is not, or does not answer, they try again elsewhere
 * until their deadline; to the pool it is one `connect`.
 *
 * Errors are translated where they arrive: see errors.ts. No error of a session ever ends the process for want of a
 * listener; listeners that exist hear it as ever.
 */
export function sessionClass(
  Base: ClientClass,
  linkOf: (config: pg.ClientConfig) => SessionLink | null,
): new (config?: pg.ClientConfig) => Session {
  const Client = Base as unknown as new (config?: pg.ClientConfig) => pg.Client & ClientInternals;

  class RoutedSession extends Client {
    target: Target | null = null;
    role: Role | null = null;
    /** Null: a plain client, exactly pg's. */
    readonly #link: SessionLink | null;
    #opened = false;
    #adopted = false;
    #attempting = false;
    /** Settled when pg is not computing a proof of the password. */
    #loggingIn: Promise<void> = Promise.resolve();
    #lost: Error | null = null;
    /** Whether a statement was in flight then. */
    #interrupted = false;
    #unregister = noop;
    readonly #connectionOptions: ConnectionOptions;

    constructor(config?: pg.ClientConfig) {
      super(config);
      this.#link = linkOf(config ?? {});
      const given = (config ?? {}) as pg.ClientConfig & { sslNegotiation?: unknown };
      this.#connectionOptions = {
        stream: given.stream,
        ssl: sslForName(this.connection.ssl, this.host),
        sslNegotiation: (this as unknown as { sslNegotiation?: unknown }).sslNegotiation,
        keepAlive: given.keepAlive ?? false,
        keepAliveInitialDelayMillis: given.keepAliveInitialDelayMillis ?? 0,
        encoding: given.client_encoding ?? 'utf8',
      };
      if (!this.#link) return;
      this.connection.ssl = this.#connectionOptions.ssl as ClientInternals['connection']['ssl'];
      if (this.#link.readOnly) {
        const parameters = this.connectionParameters;
        parameters.options = [parameters.options, '-c default_transaction_read_only=on']
          .filter(Boolean)
          .join(' ');
      }
      this.on('error', noop);
      this.on('end', () => this.#unregister());
    }

    get alive(): boolean {
      return this.#lost === null;
    }

    get live(): boolean {
      return this.alive && !this.#attempting && this.role !== null && !this._ending;
    }

    bytesRead(): number {
      return this.connection.stream.bytesRead ?? 0;
    }

    fits(): boolean {
      const link = this.#link;
      if (link === null) return true;
      if (this.#lost !== null || this.target === null) return false;
      return typeof link.wanted === 'string'
        ? link.routing.fits(link.wanted, this.target)
        : sameTarget(link.wanted, this.target);
    }

    destroy(why: Error): void {
      this.connection.stream.destroy(why);
    }

    reconsider(): void {
      if (this.#attempting && !this.fits())
        this.destroy(new Error('Connection terminated: no longer wanted'));
    }

    override connect(): Promise<pg.Client>;
    override connect(callback: ((error: Error) => void) | ((error: null, client: pg.Client) => void)): void;
    override connect(callback?: unknown): Promise<pg.Client> | void {
      if (this.#adopted) return this.#greet(callback as Connected | undefined);
      // A second time is pg's to refuse.
      if (!this.#link || this.#opened) return super.connect(callback as () => void);
      this.#opened = true;
      const opened = this.#open(this.#link);
      if (!callback) return opened.then(() => this);
      const done = callback as Connected;
      // Outside the promise, so that what the callback throws is thrown as with pg.
      opened.then(
        () => process.nextTick(done, null, this),
        (error: Error) => process.nextTick(done, error),
      );
    }

    adopt(): void {
      this.#adopted = true;
      this.ref();
    }

    #greet(done: Connected | undefined): Promise<pg.Client> | void {
      this.#adopted = false;
      if (!done) return Promise.resolve(this);
      process.nextTick(done, null, this);
    }

    async #open(link: SessionLink): Promise<void> {
      const deadlineMs = link.clock.nowMs() + link.connectDeadlineMs;
      let last: unknown;
      for (let attempt = 0; ; attempt++) {
        const target = await next(link, deadlineMs);
        if (this._ending) throw new Error('Connection terminated');
        if (attempt > 0) await this.#renew();
        try {
          await this.#attempt(link, target, deadlineMs);
          if (this.#serves(link)) return;
          this.#discard();
          last = new Error(`${targetKey(target)} is a ${this.role} now`);
        } catch (error) {
          last = error;
          this.#discard();
          const trouble = troubleOf(error);
          link.routing.report({ type: 'failed', target, trouble, by: 'session' });
          if (trouble.kind === 'rejected') throw error;
        }
        if (link.clock.nowMs() >= deadlineMs || this._ending)
          throw new DownError(`no connection within ${link.connectDeadlineMs} ms: ${messageOf(last)}`, last);
        if (typeof link.wanted === 'string' && !link.routing.fits(link.wanted, target)) continue;
        // Still thought fit, so it is being probed: give the verdict a moment, or it gets a storm of attempts.
        await sleep(link.clock, Math.min(10 * 2 ** attempt, 100));
      }
    }

    async #attempt(link: SessionLink, target: Target, deadlineMs: number): Promise<void> {
      this.target = target;
      this.role = null;
      this.host = this.connectionParameters.host = target.host;
      this.port = this.connectionParameters.port = target.port;
      this.#listenForRole(link);
      this.#attempting = true;
      this.#unregister = link.routing.register(this);
      const timer = link.clock.after(Math.max(1, deadlineMs - link.clock.nowMs()), () =>
        this.destroy(Object.assign(new Error(`${targetKey(target)} did not answer`), { code: 'ETIMEDOUT' })),
      );
      try {
        await new Promise<void>((resolve, reject) => {
          super.connect(((error: Error | null) => {
            if (!error) return resolve();
            // At once, before the socket's own end is heard as the end of this client.
            this.#discard();
            reject(error);
          }) as (e: Error) => void);
        });
        this.role ??= await this.#askRole();
      } finally {
        this.#attempting = false;
        timer.cancel();
      }
    }

    #listenForRole(link: SessionLink): void {
      this.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
        if (message.parameterName !== 'in_hot_standby') return;
        const role: Role = message.parameterValue === 'on' ? 'replica' : 'primary';
        const changed = this.role !== null && this.role !== role;
        this.role = role;
        if (changed && this.target) link.routing.report({ type: 'proved', target: this.target, role });
      });
    }

    /** Servers before 14 do not tell by themselves. */
    async #askRole(): Promise<Role> {
      const question = { text: 'SELECT pg_is_in_recovery() AS r', types: asText };
      const result = await super.query<{ r: string }>(question);
      return result.rows[0]?.r === 't' ? 'replica' : 'primary';
    }

    /** Whether this server is what we asked for, by its own word and by the router's newest. */
    #serves(link: SessionLink): boolean {
      const { target, role } = this;
      if (target === null || role === null) return false;
      const { wanted, routing } = link;
      if (typeof wanted !== 'string') return true;
      const takenFor: Role = routing.fits('primary', target) ? 'primary' : 'replica';
      if (takenFor !== role) routing.report({ type: 'proved', target, role });
      return routing.fits(wanted, target);
    }

    /** Gives up the connection of a failed attempt without anybody hearing of it. */
    #discard(): void {
      this.#unregister();
      this.#unregister = noop;
      const old = this.connection;
      old.removeAllListeners();
      old.on('error', noop);
      old.stream.destroy();
      clearTimeout(this.connectionTimeoutHandle);
    }

    /** A pg.Client connects once; a second host needs a new connection under it. */
    async #renew(): Promise<void> {
      // pg's log-in goes on in the background and then speaks to `this.connection`: to the dead one, not to the next.
      await this.#loggingIn;
      this.#lost = null;
      Object.assign(this, {
        connection: new Connection(this.#connectionOptions),
        _connecting: false,
        _connected: false,
        _connectionError: false,
        _ended: false,
        _queryable: true,
        readyForQuery: false,
      });
    }

    override _getPassword(use: () => unknown): void {
      const { connection } = this;
      super._getPassword(() => {
        // A password that took its time may come after its connection was given up.
        if (this.connection === connection) this.#loggingIn = Promise.resolve(use()).then(noop, noop);
      });
    }

    override _handleAuthSASLContinue(message: unknown): Promise<void> {
      const step = super._handleAuthSASLContinue(message);
      this.#loggingIn = step.then(noop, noop);
      return step;
    }

    override query(config: unknown, values?: unknown, callback?: unknown): never {
      if (this.#lost !== null) {
        // On a dead connection nothing is sent, and the caller may know that. But for ROLLBACK: whoever sends it after a
        // lost COMMIT shows its answer to the app instead of the answer to COMMIT, so it gets the same.
        const as = this.#interrupted && isRollback(config) ? interrupted : tooLate;
        return refuse(as(this.#circumstances(), this.#lost), config, values, callback) as never;
      }
      return super.query(config as string, values as never, callback as never) as never;
    }

    #circumstances(): Circumstances {
      return { target: this.target, role: this.role, readOnly: this.#link?.readOnly ?? false };
    }

    override _handleErrorMessage(error: Error): void {
      if (this._connecting || !this.#link) return super._handleErrorMessage(error);
      if (isFatal(error)) {
        // The socket closes next. pg-pool must not hand this session out again in between.
        const statement = hasActiveStatement(this);
        this.#markLost(error);
        if (!statement) return super._handleErrorMessage(error);
        this._queryable = false;
        this.#interrupted = true;
        return super._handleErrorMessage(interrupted(this.#circumstances(), error));
      }
      if (codeOf(error) !== '25006') return super._handleErrorMessage(error);
      if (this.target) this.#link.routing.report({ type: 'write-refused', target: this.target });
      return super._handleErrorMessage(writeRefused(this.#circumstances(), error));
    }

    override _handleErrorEvent(error: Error): void {
      if (!this._connecting && this.#link) this.#markLost(error);
      super._handleErrorEvent(error);
    }

    override _errorAllQueries(error: Error): void {
      if (!this.#link || (this._ending && this.#lost === null)) return super._errorAllQueries(error);
      const statements = takeStatements(this);
      const circumstances = this.#circumstances();
      if (statements.sent.length > 0) this.#interrupted = true;
      const fail = (statement: Statement, as: typeof unsent) =>
        process.nextTick(() => statement.handleError(as(circumstances, error), this.connection));
      for (const statement of statements.sent) fail(statement, interrupted);
      for (const statement of statements.unsent) fail(statement, unsent);
    }

    #markLost(error: Error): void {
      if (this.#lost !== null) return;
      this.#lost = error;
      if (!this.target || this._ending) return;
      const trouble = troubleOf(error);
      this.#link?.routing.report(
        trouble.kind === 'crashed'
          ? { type: 'failed', target: this.target, trouble, by: 'session' }
          : { type: 'lost', target: this.target, by: 'session' },
      );
    }
  }

  return RoutedSession as unknown as new (config?: pg.ClientConfig) => Session;
}

function next({ wanted, routing }: SessionLink, deadlineMs: number): Promise<Target> {
  return typeof wanted === 'string' ? routing.target(wanted, deadlineMs) : Promise.resolve(wanted);
}
