import { runner } from 'node-pg-migrate';
import type pg from 'pg';
import { fileURLToPath } from 'node:url';
import { backoffMs } from '../../common/backoff.js';
import { sleep, withDeadline, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { Database } from '../database.js';
import { hangUp } from './client.js';
import { untilReadWrite } from './wait.js';

/** Advisory lock of this app's migrations: others in the same database have theirs. "todomvc" in ASCII. */
const lockValue = 0x746f646f6d7663;
const deadlineMs = 60_000;
const retry = { baseMs: 500, maxMs: 15_000 };

export interface MigrateDeps {
  /** A new session of the schema's owner on a proven primary. */
  readonly connect: () => Promise<pg.ClientBase>;
  readonly database: Pick<Database, 'mode' | 'onMode'>;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Brings the schema up to date once: whoever starts first does it, others wait for its lock and find nothing to do.
 * Returns the names of what was applied.
 */
export async function migrate(client: pg.ClientBase, log: Log): Promise<string[]> {
  const applied = await runner({
    dbClient: client,
    dir: fileURLToPath(new URL('../migrations', import.meta.url)),
    direction: 'up',
    schema: 'todo',
    createSchema: await lacksSchema(client),
    migrationsTable: 'migrations',
    advisoryLockMode: 'wait',
    lockValue,
    singleTransaction: true,
    logger: {
      info: (text: string) => log.debug(text),
      warn: (text: string) => log.warn(text),
      error: (text: string) => log.debug(text),
    },
  });
  return applied.map(({ name }) => name);
}

/** Asked first because CREATE SCHEMA IF NOT EXISTS wants a right on the database even when there is nothing to do. */
async function lacksSchema(client: pg.ClientBase): Promise<boolean> {
  const { rowCount } = await client.query(`SELECT FROM pg_namespace WHERE nspname = 'todo'`);
  return rowCount === 0;
}

/**
 * Migrates as soon as there is a primary, trying again until it is done. `first` settles after the first try,
 * `done` after success; both resolve also when the signal ends it.
 */
export function keepMigrating(deps: MigrateDeps): { first: Promise<void>; done: Promise<void> } {
  let settleFirst = () => {};
  const first = new Promise<void>((resolve) => (settleFirst = resolve));
  const done = migrateUntilDone(deps, settleFirst).catch((error: unknown) => {
    if (!deps.signal.aborted) throw error;
  });
  return { first, done: done.finally(settleFirst) };
}

async function migrateUntilDone(deps: MigrateDeps, settleFirst: () => void): Promise<void> {
  const { clock, random, log, signal, database } = deps;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const applied = await migrateOnce(deps);
      if (applied.length > 0) log.info({ applied }, 'schema migrated');
      return;
    } catch (error) {
      signal.throwIfAborted();
      const said = { err: messageOf(error), mode: database.mode.mode };
      if (database.mode.mode === 'read-write') log.error(said, 'migration failed, trying again');
      else log.info(said, 'migration waits for a primary');
    }
    settleFirst();
    await sleep(clock, backoffMs(attempt, retry, random), { signal });
    await untilReadWrite(database, signal);
  }
}

function migrateOnce({ connect, clock, log, signal }: MigrateDeps): Promise<string[]> {
  return withDeadline(
    clock,
    deadlineMs,
    'schema migration',
    async (over) => {
      const client = await connect();
      // Also when the deadline passes: a migration that hangs must let go of its lock.
      const end = () => hangUp(client);
      over.addEventListener('abort', end, { once: true });
      try {
        over.throwIfAborted();
        return await migrate(client, log);
      } finally {
        over.removeEventListener('abort', end);
        end();
      }
    },
    signal,
  );
}
