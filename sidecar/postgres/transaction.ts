import type pg from 'pg';
import { codeOf, messageOf } from '../../common/errors.js';
import { HotspareError, OutcomeUnknownError } from '../errors.js';
import { isFatal } from './failures.js';
import type { Session } from './session-link.js';

/**
 * Of {@link Pool.transaction}: whether to run the whole function again when the transaction certainly did not commit and
 * repeating may help:
 *
 * - its connection was lost before COMMIT was sent;
 * - a write was refused because there was no primary (25006): after a wait of `writeWaitMs` at most;
 * - Postgres asked for it: serialization failure (40001) or deadlock (40P01), as the answer to COMMIT too.
 *
 * Never when the connection was lost while COMMIT was on its way ({@link OutcomeUnknownError}), nor when there was no
 * connection to begin with ({@link DownError}), nor for any other error. Beyond the database, the function must be harmless
 * to repeat.
 *
 * @category Pool
 */
export interface TransactionOptions {
  /**
   * How many times at most; `true` is 3, `false` is 0.
   * @defaultValue false
   */
  readonly retry?: boolean | number;
}

/** Serialization failure and deadlock: Postgres asks for the transaction to be repeated. */
const repeatable = new Set(['40001', '40P01']);

/**
 * BEGIN, `fn`, COMMIT on one session of the pool; ROLLBACK when `fn` throws. When COMMIT was sent and no answer came, the
 * error is OutcomeUnknownError, and nothing is repeated.
 */
export async function transaction<T>(
  pool: pg.Pool,
  fn: (client: pg.PoolClient) => Promise<T>,
  { retry = false }: TransactionOptions,
  beforeRetry: (error: unknown) => Promise<void>,
): Promise<T> {
  let left = retry === true ? 3 : Number(retry);
  for (;;) {
    const attempt = await once(pool, fn);
    if (attempt.ok) return attempt.value;
    const { error, mayHaveCommitted } = attempt;
    if (left-- <= 0 || mayHaveCommitted || !mayRepeat(error)) throw error;
    await beforeRetry(error);
  }
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown; readonly mayHaveCommitted: boolean };

async function once<T>(pool: pg.Pool, fn: (client: pg.PoolClient) => Promise<T>): Promise<Attempt<T>> {
  const client = await pool.connect();
  let committing = false;
  try {
    await client.query('BEGIN');
    const value = await fn(client);
    committing = true;
    await commit(client);
    client.release();
    return { ok: true, value };
  } catch (error) {
    const mayHaveCommitted = committing && error instanceof OutcomeUnknownError;
    if (mayHaveCommitted) client.release(error);
    else await rollBack(client, error);
    return { ok: false, error, mayHaveCommitted };
  }
}

async function commit(client: pg.PoolClient): Promise<void> {
  const result = await client.query('COMMIT').catch((error: unknown) => {
    // What the server itself answers, short of ending the session, is certain: it has rolled back.
    if (error instanceof HotspareError || (isFromServer(error) && !isFatal(error))) throw error;
    // A plain connection that was lost, or a `query_timeout` of pg.
    throw new OutcomeUnknownError(
      `COMMIT was sent and not answered, so it may or may not have been executed: ${messageOf(error)}`,
      error,
    );
  });
  // Postgres answers COMMIT of a failed transaction with ROLLBACK, and no error.
  if (result.command === 'ROLLBACK')
    throw new Error(
      'the transaction was rolled back: a statement in it had failed, and the error was not passed on',
    );
}

async function rollBack(client: pg.PoolClient, error: unknown): Promise<void> {
  const session = client as unknown as Partial<Session>;
  if (session.alive === false) return client.release(error as Error);
  try {
    await client.query('ROLLBACK');
    client.release();
  } catch (failure) {
    client.release(failure as Error);
  }
}

const isFromServer = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'severity' in error;

/** Without COMMIT nothing has happened: what was lost on the way there is safe to repeat, whatever its own error says. */
function mayRepeat(error: unknown): boolean {
  return error instanceof HotspareError || repeatable.has(codeOf(error) ?? '');
}
