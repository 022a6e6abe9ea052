import type pg from 'pg';
import { codeOf, ConfigError, messageOf } from '../../../common/errors.js';
import type { Mode } from '../../../common/names.js';
import { HotspareError, OutcomeUnknownError, ReadOnlyError } from '../../errors.js';
import { isFatal } from '../proof/trouble.js';
import { isFrom } from '../session/loss/error-origin.js';

/**
 * Of {@link Pool.transaction}: whether to run the whole function again when the transaction certainly did not commit and
 * repeating may help:
 *
 * - its connection was lost before COMMIT was sent;
 * - a write was refused because there was no primary (25006), and there is one within `writeWaitMs`;
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
   * How many times it is repeated at most; `true` is 3 (so the function runs four times), `false` is 0.
   * @defaultValue false
   */
  readonly retry?: boolean | number;
}

const noop = () => {};

/** Serialization failure and deadlock: Postgres asks for the transaction to be repeated. */
const repeatable = new Set(['40001', '40P01']);

/**
 * BEGIN, `fn`, COMMIT on one session of the pool; ROLLBACK when `fn` throws. When COMMIT was sent and no answer came, the
 * error is OutcomeUnknownError, and nothing is repeated.
 */
export async function transaction<T>(
  pool: pg.Pool & { readonly mode: Mode },
  fn: (client: pg.PoolClient) => Promise<T>,
  { retry = false }: TransactionOptions,
  beforeRetry: (error: unknown) => Promise<void>,
): Promise<T> {
  for (let left = repetitions(retry); ; left--) {
    const attempt = await once(pool, fn);
    if (attempt.ok) return attempt.value;
    const { error, mayRepeat } = attempt;
    if (left <= 0 || !mayRepeat) throw error;
    await beforeRetry(error);
    // Nothing to write to still, and nothing to wait for: the next attempt would end as this one.
    if (error instanceof ReadOnlyError && pool.mode !== 'read-write') throw error;
  }
}

function repetitions(retry: boolean | number): number {
  if (typeof retry === 'boolean') return retry ? 3 : 0;
  if (typeof retry === 'number' && retry >= 0) return retry;
  throw new ConfigError('transaction options', 'retry', retry, 'true, false or a number, 0 or more');
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown; readonly mayRepeat: boolean };

async function once<T>(pool: pg.Pool, fn: (client: pg.PoolClient) => Promise<T>): Promise<Attempt<T>> {
  const client = await pool.connect();
  // A plain connection that ends while it is held would end the process. Whoever waits for an answer on it hears of it.
  client.on('error', noop);
  let committing = false;
  try {
    await client.query('BEGIN');
    const value = await fn(client);
    committing = true;
    await commit(client);
    release(client);
    return { ok: true, value };
  } catch (error) {
    const mayHaveCommitted = committing && error instanceof OutcomeUnknownError;
    if (mayHaveCommitted) release(client, error);
    else await rollBack(client, error);
    return { ok: false, error, mayRepeat: !mayHaveCommitted && helpsToRepeat(error, client) };
  }
}

function release(client: pg.PoolClient, error?: unknown): void {
  client.removeListener('error', noop);
  // Whatever was thrown: the session is not for others any more.
  if (error === undefined) client.release();
  else client.release(error instanceof Error ? error : true);
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
  if ('alive' in client && client.alive === false) return release(client, error);
  try {
    await client.query('ROLLBACK');
    release(client);
  } catch (failure) {
    release(client, failure);
  }
}

const isFromServer = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'severity' in error;

/**
 * Without COMMIT nothing has happened: what was lost on the way there is safe to repeat, whatever its own error says. That
 * goes for the session of this transaction; of what the function did on others, or waited for, it says nothing.
 */
function helpsToRepeat(error: unknown, client: pg.PoolClient): boolean {
  return (error instanceof HotspareError && isFrom(error, client)) || repeatable.has(codeOf(error) ?? '');
}
