import type pg from 'pg';
import { nextTurn } from '../../../common/runtime/clock.js';
import { ConnectionLostError, ReadOnlyError } from '../../errors.js';
import { queryAsGiven, valuesAsGiven } from './as-given.js';
import { isSubmittable } from '../session/given.js';
import {
  afterServing,
  freePlace,
  idleSessions,
  keeps,
  openPool,
  removeSession,
  turnAway,
  type Connected,
} from '../session/pg-internals/open-pool.js';
import type { Session } from '../session/session-link.js';

type Callback = (error: unknown, result?: unknown) => void;

/** As pg-pool's, with a callback. */
export type Connect = (done: Connected<PooledSession>) => void;

/** What a pool gives out. */
export interface PooledSession
  extends Pick<Session, 'role' | 'target' | 'toldReadOnly' | 'fits'>, NodeJS.EventEmitter {
  readonly connection: NodeJS.EventEmitter;
  query(...given: unknown[]): unknown;
  release(error?: unknown): void;
}

/** What a pool of sessions does when a statement failed in a way that repeating may mend. */
export interface Repeat {
  /**
   * Asked with the error and the session it happened on. Null: hand the error on. Else a promise
   * after which the statement is run again, on another session; one that its `Connect` gives, if it has one.
   */
  (error: unknown, session: PooledSession): Promise<Connect | void> | null;
}

const noop = () => {};
/** As pg-pool says it. */
const endedPool = 'Cannot use a pool after calling end on the pool';

/**
 * After an error: once the server says that it is ready again, and whether that is outside a transaction. Several statements in
 * one string may have begun one, and an aborted one is nothing for the next user.
 */
function whenReady({ connection }: PooledSession, tell: (outsideTransaction: boolean) => void): void {
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

/**
 * A pg.Pool whose sessions may stop fitting. Idle ones are then ended at once (`sweep`), busy ones when they are
 * released. In all else, counters and events included, it is pg-pool. `options.Client` is a class made by `sessionClass`. With
 * `repeat` null it is plain pg-pool, whatever its Client.
 */
export class SessionPool extends openPool<PooledSession>() {
  readonly #repeat: Repeat | null;
  readonly #connect: Connect = (done) => void this.connect(done);

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
    freePlace(this, client);
  }

  /** Ends idle sessions that do not fit. */
  sweep(): void {
    for (const session of idleSessions(this)) if (!session.fits()) removeSession(this, session);
  }

  /** Once it is ending, pg-pool serves nobody who waits for a turn, and would leave them waiting for ever. */
  override [afterServing](): void {
    if (this.ending && this.#repeat !== null) turnAway(this, () => new Error(endedPool));
  }

  override [keeps](session: PooledSession): boolean {
    return this.#repeat === null || session.fits();
  }

  /**
   * As pg-pool's, with two differences: a statement that certainly was not executed may be repeated, and a session
   * that refused a write (25006) is kept, there is nothing wrong with it.
   */
  override query(text: unknown, values?: unknown, callback?: unknown): unknown {
    if (this.#repeat === null || typeof text === 'function') return super.query(text, values, callback);
    return this.queryOn(this.#connect, text, values, callback);
  }

  /** The same on a session that `connect` gives. */
  queryOn(connect: Connect, text: unknown, values?: unknown, callback?: unknown): unknown {
    const done = (typeof values === 'function' ? values : callback) as Callback | undefined;
    const own = queryAsGiven(text);
    const given = valuesAsGiven(typeof values === 'function' ? undefined : values);
    if (done) return this.#run(connect, own, given, done, repeatsAtMost);
    return new this.Promise((resolve, reject) => {
      const answered: Callback = (error, result) => (error ? reject(error) : resolve(result));
      this.#run(connect, own, given, answered, repeatsAtMost);
    }).catch((error: Error) => {
      // Else it would lead to the socket's read event, not to whoever asked.
      Error.captureStackTrace(error);
      throw error;
    });
  }

  #run(connect: Connect, text: unknown, values: unknown, done: Callback, left: number): void {
    connect((error, session) => {
      if (error || !session) return done(error);
      const finish = this.#finish(session, text, (failure, result) => {
        if (failure) this.#failed(connect, failure, session, text, values, done, left);
        else done(undefined, result);
      });
      this.log('dispatching query');
      try {
        session.query(text, values, finish);
      } catch (thrown) {
        session.release(thrown);
        done(thrown);
      }
    });
  }

  /** Releases the session once, when the statement is over. */
  #finish(session: PooledSession, text: unknown, done: Callback): Callback {
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
    error: unknown,
    session: PooledSession,
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
