import pg from 'pg';
import type { ClientInternals } from './client.js';

/** Exported by pg, but not in its type declarations with these arguments. */
const Query = pg.Query as unknown as new (
  config: pg.QueryConfig,
  values: undefined,
  callback: (error: Error | undefined, result: pg.QueryArrayResult) => void,
) => Statement;

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
