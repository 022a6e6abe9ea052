import pg from 'pg';

/**
 * What hotspare uses of node-postgres beyond its documentation. All of it is named here, nothing else is touched, and
 * test/sidecar/postgres/session/pg-internals.test.ts fails when a release of pg moves any of it. What pg's type declarations do not say
 * is claimed here as well, so that it need not be claimed elsewhere.
 *
 * Why at all: errors must be told apart where they arrive. To know afterwards whether a statement had been sent when its
 * connection died, a wrapper around every query would be needed; that costs every query, this costs none.
 */
export interface ClientInternals extends NodeJS.EventEmitter {
  connection: ConnectionInternals;
  host: string;
  port: number;
  password: string | null | undefined | PasswordFunction;
  connectionParameters: { host: string; port: number; options?: string; query_timeout?: unknown };
  readonly pipeline?: boolean;
  readonly sslNegotiation?: unknown;
  readonly _Promise: PromiseConstructor;
  /** Of the server, for a request to cancel. */
  processID: number | null;
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
  _connect(callback: Told): void;
  _getPassword(use: () => unknown): void;
  _handleAuthSASLContinue(message: unknown): Promise<void>;
  cancel(client: object, query: unknown): void;
  ref(): void;
  unref(): void;
}

export type PasswordFunction = (parameters?: Readonly<Record<string, unknown>>) => unknown;
export type Ssl = boolean | Record<string, unknown>;
export type Told = (error: Error | null) => void;

export type ClientClass = new (config?: string | pg.ClientConfig) => pg.Client;

/** The Client class that an app has named in its options; else pg's. */
export const clientClassOf = ({ Client }: pg.PoolConfig): ClientClass => (Client ?? pg.Client) as ClientClass;

/** A client, seen from within. */
export const internalsOf = (client: pg.ClientBase) => client as unknown as ClientInternals;

export const isEnding = ({ _ending }: ClientInternals): boolean => _ending;
export const isConnecting = ({ _connecting }: ClientInternals): boolean => _connecting;
export const isStartingUp = ({ connection, _ended }: ClientInternals): boolean =>
  connection._connecting === true && !_ended;
export const promiseOf = ({ _Promise }: ClientInternals): PromiseConstructor => _Promise;

/** Whether what is given to the socket now may leave this process. */
export const isWritable = ({ connection }: ClientInternals): boolean => connection.stream.writable;

/** Which process of the server is ours; 0: not known yet. */
export const processOf = ({ processID }: ClientInternals): number => processID ?? 0;

/** Takes no statement any more. */
export function shut(client: ClientInternals): void {
  client._queryable = false;
}

/** As after its connection's end. */
export function markEnded(client: ClientInternals): void {
  client._ended = true;
}

/** As after `end`. */
export function markEnding(client: ClientInternals): void {
  client._ending = true;
  client._ended = true;
}

/** There was nothing but questions of ours: no reason to tell of it as done. */
export function withoutDrain(client: ClientInternals): void {
  client.hasExecuted = false;
}

export function cancelTimeout({ connectionTimeoutHandle }: ClientInternals): void {
  clearTimeout(connectionTimeoutHandle);
}

/** Puts another connection under a client, which is then as one that has not connected yet. */
export function startOver(
  client: ClientInternals,
  password: ClientInternals['password'],
  options: ConnectionOptions,
): void {
  Object.assign(client, {
    password,
    connection: new Connection(options),
    _connecting: false,
    _connected: false,
    _connectionError: false,
    _ended: false,
    _queryable: true,
    readyForQuery: false,
  });
}

/** `before` runs before each message of ours, until the function that is returned is called. */
export function beforeSending(connection: ConnectionInternals, before: () => void): () => void {
  const { _send } = connection;
  connection._send = (bytes) => {
    before();
    return _send.call(connection, bytes);
  };
  return () => {
    connection._send = _send;
  };
}

export interface ConnectionInternals extends NodeJS.EventEmitter {
  stream: NodeJS.EventEmitter & {
    destroy(error?: Error): void;
    readonly bytesRead?: number;
    /** False: what is sent now would be thrown away without a word. */
    readonly writable: boolean;
    readonly errored?: Error | null;
  };
  readonly _connecting?: boolean;
  _send(bytes: Buffer): unknown;
  ssl: Ssl;
}

export interface ConnectionOptions {
  stream?: unknown;
  ssl: Ssl;
  sslNegotiation?: unknown;
  keepAlive: boolean;
  keepAliveInitialDelayMillis: number;
  encoding: string;
}

/** Not in the type declarations, but documented by its use in pg's own Client. */
export const Connection = pg.Connection as unknown as new (options: ConnectionOptions) => ConnectionInternals;
