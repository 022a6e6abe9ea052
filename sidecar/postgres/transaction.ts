import type pg from 'pg';
import { codeOf } from '../../common/errors.js';
import { HotspareError } from '../errors.js';
import type { Session } from './session.js';

export interface TransactionOptions {
  /**
   * Run the whole function again when the transaction certainly did not commit and repeating may help: the connection
   * was lost before COMMIT, a serialization failure, a deadlock, a write while there was no primary. A number is how
   * many times at most; true is 3. Default false. The function must then be harmless to repeat.
   */
  readonly retry?: boolean | number;
}

/** Serialization failure and deadlock: Postgres asks for the transaction to be repeated. */
const repeatable = new Set(['40001', '40P01']);

/**
 * BEGIN, `fn`, COMMIT on one session of the pool; ROLLBACK when `fn` throws. A connection lost while COMMIT was on its
 * way gives OutcomeUnknownError and is never retried.
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
    const { error, committing } = attempt;
    if (left-- <= 0 || committing || !mayRepeat(error)) throw error;
    await beforeRetry(error);
  }
}

type Attempt<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: unknown; readonly committing: boolean };

async function once<T>(pool: pg.Pool, fn: (client: pg.PoolClient) => Promise<T>): Promise<Attempt<T>> {
  const client = await pool.connect();
  let committing = false;
  try {
    await client.query('BEGIN');
    const value = await fn(client);
    committing = true;
    const result = await client.query('COMMIT');
    // Postgres answers COMMIT of a failed transaction with ROLLBACK, and no error.
    if (result.command === 'ROLLBACK')
      throw new Error(
        'the transaction was rolled back: a statement in it had failed, and the error was not passed on',
      );
    client.release();
    return { ok: true, value };
  } catch (error) {
    await rollBack(client, error);
    return { ok: false, error, committing };
  }
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

/** Without COMMIT nothing has happened: what was lost on the way there is safe to repeat, whatever its own error says. */
function mayRepeat(error: unknown): boolean {
  return error instanceof HotspareError || repeatable.has(codeOf(error) ?? '');
}
