import type pg from 'pg';
import { internalsOf } from '../../session/pg-internals/client.js';

/** pg's word for the server being outside any transaction. */
const idle = 'I';

/**
 * Calls `ended` whenever this session may have changed something for others to see: a statement or a transaction is over.
 * Before whoever gave the statement hears of it.
 */
export function watchWork(client: pg.ClientBase, ended: () => void): void {
  const { connection } = internalsOf(client);
  // Without a message: the connection is over, see last-words.ts.
  connection.prependListener('readyForQuery', (message?: { status: string }) => {
    if (message?.status === idle) ended();
  });
  // A procedure may have committed before it failed.
  connection.prependListener('errorMessage', ended);
}
