import pg from 'pg';
import type { InFlight } from '../../../ports.js';
import { processOf, type ClientInternals } from './client.js';

/** Exported by pg, but not in its type declarations with these arguments. */
const Query = pg.Query as unknown as new (
  config: pg.QueryConfig,
  values: undefined,
  callback: (error: Error | undefined, result: pg.QueryArrayResult) => void,
) => Statement;

/** A statement in pg's hands: its own Query, or a Submittable such as a cursor. */
export interface Statement {
  handleError(error: Error, connection: unknown): void;
  handleReadyForQuery?(connection: unknown): void;
}

/** pg up to 8.16 names them without the underscore. */
interface Queues {
  _activeQuery?: Statement | null;
  activeQuery?: Statement | null;
  _queryQueue?: Statement[];
  queryQueue?: Statement[];
  _sentQueryQueue?: Statement[];
}

/** What the server is busy with. */
export function activeStatement(client: object): Statement | null {
  const queues = client as Queues;
  return ('_activeQuery' in queues ? queues._activeQuery : queues.activeQuery) ?? null;
}

/** The statement that the server is busy with, and the process there that runs it. */
export function inFlightOn(client: object): InFlight | null {
  const statement = activeStatement(client);
  return statement && { statement, pid: processOf(client as ClientInternals) };
}

/** What the server is busy with ends with this error, although the server will say that it is done. */
export function failWhenDone(client: object, error: Error): void {
  const statement = activeStatement(client);
  if (statement) statement.handleReadyForQuery = (connection) => statement.handleError(error, connection);
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

/**
 * The socket has failed while a statement was given to it. If the kernel has refused the bytes, none of them has left, and the
 * statement waits again. Only for pg's own Query, which is written at one go; with pipelining others were written with it.
 */
export function takeBackUnsent(client: ClientInternals): void {
  const { errored } = client.connection.stream;
  const active = activeStatement(client);
  if (client.pipeline || !(active instanceof Query) || syscallOf(errored) !== 'write') return;
  const { sent, unsent } = takeStatements(client);
  putBack(client, [...sent, ...unsent]);
}

const syscallOf = (error: unknown): unknown =>
  typeof error === 'object' && error !== null && 'syscall' in error ? error.syscall : undefined;

/** Sends a statement as pg's `query` does, without being seen by those who patch that. */
export function sendUnseen(
  client: ClientInternals,
  config: pg.QueryConfig,
  callback: (error: Error | undefined, result: pg.QueryArrayResult) => void,
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
