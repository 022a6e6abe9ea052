import pg from 'pg';

/**
 * What hotspare uses of node-postgres beyond its documentation. All of it is named here, nothing else is touched, and
 * test/sidecar/postgres/session/pg-internals.test.ts fails when a release of pg moves any of it.
 *
 * Why at all: errors must be told apart where they arrive. To know afterwards whether a statement had been sent when its
 * connection died, a wrapper around every query would be needed; that costs every query, this costs none.
 */
export interface ClientInternals {
  connection: ConnectionInternals;
  host: string;
  port: number;
  password: unknown;
  connectionParameters: { host: string; port: number; options?: string; query_timeout?: unknown };
  readonly pipeline?: boolean;
  readonly sslNegotiation?: unknown;
  readonly _Promise: PromiseConstructor;
  _ending: boolean;
  _ended: boolean;
  _connecting: boolean;
  _connectionError: boolean;
  _queryable: boolean;
  /** Whether `drain` may be told. */
  hasExecuted?: boolean;
  connectionTimeoutHandle?: NodeJS.Timeout;
  _errorAllQueries(error: Error): void;
  _handleErrorMessage(error: Error): void;
  _handleErrorEvent(error: Error): void;
  /** Sends the next statement, if it is its turn. */
  _pulseQueryQueue(): void;
  /** `connect` with a callback, beneath what tracers patch. */
  _connect(callback: (error: Error | null) => void): void;
  _getPassword(use: () => unknown): void;
  _handleAuthSASLContinue(message: unknown): Promise<void>;
  cancel(client: unknown, query: unknown): void;
  ref(): void;
  unref(): void;
}

/** A client, seen from within. */
export const internalsOf = (client: pg.ClientBase) => client as unknown as ClientInternals;

/** A statement in pg's hands: its own Query, or a Submittable such as a cursor. */
export interface Statement {
  handleError(error: Error, connection: unknown): void;
}

/** pg up to 8.16 names them without the underscore. */
interface Queues {
  _activeQuery?: Statement | null;
  activeQuery?: Statement | null;
  _queryQueue?: Statement[];
  queryQueue?: Statement[];
  _sentQueryQueue?: Statement[];
}

interface ConnectionInternals extends NodeJS.EventEmitter {
  stream: NodeJS.EventEmitter & {
    destroy(error?: Error): void;
    readonly bytesRead?: number;
  };
  readonly _connecting?: boolean;
  _send(bytes: Buffer): unknown;
  ssl: boolean | Record<string, unknown>;
}

/** What the server is busy with. */
export function activeStatement(client: object): Statement | null {
  const queues = client as Queues;
  return ('_activeQuery' in queues ? queues._activeQuery : queues.activeQuery) ?? null;
}

export function hasActiveStatement(client: object): boolean {
  return activeStatement(client) !== null;
}

const waitingOf = (queues: Queues) =>
  ('_queryQueue' in queues ? queues._queryQueue : queues.queryQueue) ?? [];

/** What was given to the client last, if it is not done with it. */
export function newestStatement(client: object): Statement | undefined {
  const queues = client as Queues;
  return waitingOf(queues).at(-1) ?? queues._sentQueryQueue?.at(-1) ?? activeStatement(client) ?? undefined;
}

/** Takes all statements out of the client: those that were written to the socket, and those that were not. */
export function takeStatements(client: object): { sent: Statement[]; unsent: Statement[] } {
  const queues = client as Queues;
  const active = activeStatement(client);
  if (active) {
    if ('_activeQuery' in queues) queues._activeQuery = null;
    else queues.activeQuery = null;
  }
  const sentQueue = queues._sentQueryQueue ?? [];
  return {
    sent: [...(active ? [active] : []), ...sentQueue.splice(0)],
    unsent: waitingOf(queues).splice(0),
  };
}

/** Sends a statement as pg's `query` does, without being seen by those who patch that. */
export function sendUnseen(
  client: ClientInternals,
  config: pg.QueryConfig,
  callback: (error: Error | undefined, result?: unknown) => void,
): void {
  const statement = new Query(config, undefined, callback);
  if (client._queryable && !client._ending) {
    waitingOf(client as Queues).push(statement);
    return client._pulseQueryQueue();
  }
  const error = new Error('Client has encountered a connection error and is not queryable');
  process.nextTick(() => statement.handleError(error, client.connection));
}

/** Puts back what was not sent. */
export function putBack(client: object, unsent: readonly Statement[]): void {
  waitingOf(client as Queues).push(...unsent);
}

export interface ConnectionOptions {
  stream?: unknown;
  ssl: unknown;
  sslNegotiation?: unknown;
  keepAlive: boolean;
  keepAliveInitialDelayMillis: number;
  encoding: string;
}

/** Not in the type declarations, but documented by its use in pg's own Client. */
export const Connection = pg.Connection as unknown as new (options: ConnectionOptions) => ConnectionInternals;

/** Exported by pg, but not in its type declarations with these arguments. */
const Query = pg.Query as unknown as new (
  config: pg.QueryConfig,
  values: undefined,
  callback: (error: Error | undefined, result?: unknown) => void,
) => Statement;

export interface PoolInternals {
  readonly Promise: PromiseConstructor;
  _clients: object[];
  _idle: { readonly client: object }[];
  _pendingQueue: { callback(error: Error): void }[];
  log(message: string): void;
  _remove(client: object, callback?: () => void): void;
  _pulseQueue(): void;
  _release(client: object, idleListener: unknown, error?: unknown): void;
}
