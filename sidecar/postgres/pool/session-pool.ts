import pg from 'pg';
import { nextTurn } from '../../../common/runtime/clock.js';
import { ConnectionLostError, ReadOnlyError } from '../../errors.js';
import { inContextOfListener } from '../../listeners.js';
import { queryAsGiven, valuesAsGiven } from './as-given.js';
import type { ClientInternals, PoolInternals } from '../session/pg-internals.js';
import type { Session } from '../session/session-link.js';

type Callback = (error: Error | null | undefined, result?: unknown) => void;

/** As pg-pool's, with a callback. */
export type Connect = (
  done: (
    error: Error | undefined,
    client?: pg.PoolClient,
    release?: (error?: Error | boolean) => void,
  ) => void,
) => void;

/** What a pool of sessions does when a statement failed in a way that repeating may mend. */
export interface Repeat {
  /**
   * Asked with the error and the session it happened on. Null: hand the error on. Else a promise
   * after which the statement is run again, on another session; one that its `Connect` gives, if it has one.
   */
  (error: Error, session: Session): Promise<Connect | void> | null;
}

const Base = pg.Pool as unknown as new (options?: pg.PoolConfig) => pg.Pool & PoolInternals;
const noop = () => {};
/** As pg-pool says it. */
const endedPool = 'Cannot use a pool after calling end on the pool';

/**
 * After an error: once the server says that it is ready again, and whether that is outside a transaction. Several statements in
 * one string may have begun one, and an aborted one is nothing for the next user.
 */
function whenReady(session: object, tell: (outsideTransaction: boolean) => void): void {
  const { connection } = session as ClientInternals;
  const end = (outside: boolean) => {
    connection.removeListener('readyForQuery', ready);
    connection.removeListener('end', ended);
    tell(outside);
  };
  const ready = (message?: { status: string }) => end(message?.status === 'I');
  const ended = () => end(false);
  connection.once('readyForQuery', ready);
  connection.once('end', ended);
}

/**
 * When a server dies its sessions end one after the other, and a statement that is given out again may meet the next of them.
 */
const repeatsAtMost = 3;

const isSubmittable = (text: unknown) => typeof (text as { submit?: unknown } | null)?.submit === 'function';

/**
 * A pg.Pool whose sessions may stop fitting. Idle ones are then ended at once (`sweep`), busy ones when they are
 * released. In all else, counters and events included, it is pg-pool.
 */
class PoolOfSessions extends Base {
  readonly #repeat: Repeat | null;
  readonly #connect: Connect = (done) => this.connect(done as never);

  constructor(options: pg.PoolConfig, repeat: Repeat | null) {
    super(options);
    this.#repeat = repeat;
    // An idle session's death is the router's business; whoever listens still hears it.
    this.on('error', noop);
    if (repeat) this.on('connect', (client) => client.once('end', () => this.#freePlace(client)));
  }

  /**
   * Of a session that died in somebody's hands: waiters need not wait for it to be released. It may never be: Drizzle
   * keeps a session whose BEGIN failed.
   */
  #freePlace(client: object): void {
    if (!this._clients.includes(client) || this._idle.some((idle) => idle.client === client)) return;
    this._clients = this._clients.filter((other) => other !== client);
    this._pulseQueue();
  }

  /** Ends idle sessions that do not fit. */
  sweep(): void {
    for (const { client } of [...this._idle]) {
      if (!(client as Session).fits()) this._remove(client, () => this._pulseQueue());
    }
  }

  /** Once it is ending, pg-pool serves nobody who waits for a turn, and would leave them waiting for ever. */
  override _pulseQueue(): void {
    super._pulseQueue();
    if (!this.ending || this.#repeat === null) return;
    for (const { callback } of this._pendingQueue.splice(0)) callback(new Error(endedPool));
  }

  override _release(client: object, idleListener: unknown, error?: unknown): void {
    const keep = this.#repeat === null || (client as Session).fits();
    super._release(client, idleListener, error || (keep ? undefined : true));
  }

  /**
   * As pg-pool's, with two differences: a statement that certainly was not executed may be repeated, and a session
   * that refused a write (25006) is kept, there is nothing wrong with it.
   */
  override query(text: unknown, values?: unknown, callback?: unknown): never {
    if (this.#repeat === null || typeof text === 'function')
      return super.query(text as never, values as never, callback as never) as never;
    return this.queryOn(this.#connect, text, values, callback);
  }

  /** The same on a session that `connect` gives. */
  queryOn(connect: Connect, text: unknown, values?: unknown, callback?: unknown): never {
    const done = typeof values === 'function' ? values : callback;
    const own = queryAsGiven(text);
    const given = valuesAsGiven(typeof values === 'function' ? undefined : values);
    if (done) {
      this.#run(connect, own, given, done as Callback, repeatsAtMost);
      return undefined as never;
    }
    return new this.Promise((resolve, reject) => {
      const answered: Callback = (error, result) => (error ? reject(error) : resolve(result));
      this.#run(connect, own, given, answered, repeatsAtMost);
    }).catch((error: Error) => {
      // Else it would lead to the socket's read event, not to whoever asked.
      Error.captureStackTrace(error);
      throw error;
    }) as never;
  }

  #run(connect: Connect, text: unknown, values: unknown, done: Callback, left: number): void {
    connect((error, client) => {
      if (error || !client) return done(error);
      const session = client as unknown as Session & { release(error?: Error): void };
      const finish = this.#finish(session, text, (failure, result) => {
        if (failure) this.#failed(connect, failure, session, text, values, done, left);
        else done(undefined, result);
      });
      this.log('dispatching query');
      try {
        (session.query as (...args: unknown[]) => void)(text, values, finish);
      } catch (thrown) {
        session.release(thrown as Error);
        done(thrown as Error);
      }
    });
  }

  /** Releases the session once, when the statement is over. */
  #finish(session: Session & { release(error?: Error): void }, text: unknown, done: Callback): Callback {
    let finished = false;
    let lost: ((error: Error) => void) | undefined;
    const finish: Callback = (failure, result) => {
      this.log('query dispatched');
      if (lost) session.removeListener('error', lost);
      if (finished) return;
      finished = true;
      if (failure instanceof ReadOnlyError)
        return whenReady(session, (outsideTransaction) => {
          session.release(outsideTransaction ? undefined : failure);
          done(failure);
        });
      session.release(failure ?? undefined);
      done(failure, result);
    };
    // A Submittable need not tell us of its end (a cursor does not). If it does, its error is the better one.
    if (isSubmittable(text)) session.once('error', (lost = (error) => nextTurn(() => finish(error))));
    return finish;
  }

  #failed(
    connect: Connect,
    error: Error,
    session: Session,
    text: unknown,
    values: unknown,
    done: Callback,
    left: number,
  ): void {
    // A cursor has been used up by its first submission.
    const again = left === 0 || isSubmittable(text) ? null : (this.#repeat?.(error, session) ?? null);
    if (again === null) return done(error);
    again.then(
      (elsewhere) =>
        this.#run(
          elsewhere ?? connect,
          text,
          values,
          done,
          error instanceof ConnectionLostError ? left - 1 : 0,
        ),
      () => done(error),
    );
  }
}

/**
 * `options.Client` is a class made by `sessionClass`. With `repeat` null it is plain pg-pool, whatever its Client.
 */
export const SessionPool = inContextOfListener(PoolOfSessions as never, ['mode']) as unknown as new (
  options: pg.PoolConfig,
  repeat: Repeat | null,
) => pg.Pool & {
  /** @internal */
  sweep(): void;
  /** @internal */
  queryOn(connect: Connect, text: unknown, values?: unknown, callback?: unknown): never;
};
