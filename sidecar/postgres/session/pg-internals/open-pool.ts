import pg from 'pg';

/** What hotspare uses of pg-pool beyond its documentation. */
interface PoolInternals {
  readonly Promise: PromiseConstructor;
  _clients: object[];
  _idle: { readonly client: object }[];
  _pendingQueue: { callback(error: Error): void }[];
  log(message: string): void;
  _remove(client: object, callback?: () => void): void;
  _pulseQueue(): void;
  _release(client: object, idleListener: unknown, error?: unknown): void;
}

/** As pg-pool gives a session out. */
export type Connected<C> = (
  error: Error | undefined,
  client?: C,
  release?: (error?: Error | boolean) => void,
) => void;

/** What a subclass has a say in. Symbols: a Pool is the app's own as well. */
export const afterServing = Symbol('after serving');
export const keeps = Symbol('keeps');

type Overloaded = 'connect' | 'query';

/** A pool of sessions `C`. Its methods are typed as the one function that each of them is, not as pg's overloads. */
export interface OpenPool<C> extends Omit<pg.Pool, Overloaded>, PoolInternals {
  connect(callback?: Connected<C>): unknown;
  query(...given: unknown[]): unknown;
  /** Those who wait have been served, as far as there are sessions. */
  [afterServing](): void;
  /** Whether a session that is given back without an error is kept. */
  [keeps](session: C): boolean;
}

/** Of pools whose Client class makes sessions `C`. */
export function openPool<C>(): abstract new (options: pg.PoolConfig) => OpenPool<C> {
  abstract class Open extends (pg.Pool as unknown as new (options: pg.PoolConfig) => OpenPool<C>) {
    abstract override [afterServing](): void;
    abstract override [keeps](session: C): boolean;

    override _pulseQueue(): void {
      super._pulseQueue();
      this[afterServing]();
    }

    override _release(session: object, idleListener: unknown, error?: unknown): void {
      const keep = this[keeps](session as C);
      super._release(session, idleListener, error || (keep ? undefined : true));
    }
  }
  return Open;
}

export const idleSessions = <C>({ _idle }: OpenPool<C>): C[] => _idle.map(({ client }) => client as C);

/** Ends a session, and lets whoever waits have its place. */
export function removeSession<C extends object>(pool: OpenPool<C>, session: C): void {
  pool._remove(session, () => pool._pulseQueue());
}

/** Lets whoever waits have the place of a session that has ended in somebody's hands. */
export function freePlace<C extends object>(pool: OpenPool<C>, session: C): void {
  const { _clients, _idle } = pool;
  if (!_clients.includes(session) || _idle.some((idle) => idle.client === session)) return;
  pool._clients = _clients.filter((other) => other !== session);
  pool._pulseQueue();
}

/** Nobody of those who wait gets a turn any more. */
export function turnAway(pool: PoolInternals, error: () => Error): void {
  for (const { callback } of pool._pendingQueue.splice(0)) callback(error());
}

/** The Promise that the app has given pg. */
export const promiseOfPool = (pool: pg.Pool): PromiseConstructor =>
  (pool as unknown as PoolInternals).Promise;

/** The same pool, as pg's declarations have it. */
export const asPgPool = <C>(pool: OpenPool<C>): pg.Pool => pool as unknown as pg.Pool;

/** The same for a class of pools that can be swept. */
export const asPgPoolClass = <Given extends unknown[], C>(
  Pool: new (...given: Given) => OpenPool<C> & Sweepable,
) => Pool as unknown as new (...given: Given) => pg.Pool & Sweepable;

export interface Sweepable {
  /** @internal */
  sweep(): void;
}
