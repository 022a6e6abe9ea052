import type pg from 'pg';
import { backoffMs } from '../../common/backoff.js';
import { sleep, type Clock } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import type { Random } from '../../common/random.js';
import type { Log } from '../../common/runtime/log.js';
import type { Database } from '../database.js';
import { hangUp } from './client.js';
import { changeChannel } from './sql.js';
import { untilNotReadWrite, untilReadWrite } from './wait.js';

const retry = { baseMs: 200, maxMs: 5_000 };

export interface ChangesDeps {
  /** A new session on a proven primary. */
  readonly connect: () => Promise<pg.ClientBase>;
  readonly database: Pick<Database, 'mode' | 'onMode'>;
  /** Called for every notice, and after every (re)connection, since some may have been missed. */
  readonly onChange: () => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/**
 * Listens on the primary for as long as there is one. A hot spare cannot LISTEN: while read-only nothing changes
 * anyway. Ends with the signal.
 */
export async function followChanges(deps: ChangesDeps): Promise<void> {
  const { database, clock, random, log, signal } = deps;
  let failures = 0;
  while (!signal.aborted) {
    try {
      await untilReadWrite(database, signal);
      await listenUntilLost(deps, () => (failures = 0));
    } catch (error) {
      if (signal.aborted) return;
      log.debug({ err: messageOf(error) }, 'not listening for changes');
    }
    await sleep(clock, backoffMs(failures, retry, random), { signal }).catch(() => {});
    failures += 1;
  }
}

async function listenUntilLost(deps: ChangesDeps, onListening: () => void): Promise<void> {
  const client = await deps.connect();
  const over = new AbortController();
  try {
    const lost = new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.on('error', () => resolve());
    });
    client.on('notification', () => deps.onChange());
    await Promise.race([client.query(`LISTEN ${changeChannel}`), lost]);
    onListening();
    deps.onChange();
    const signal = AbortSignal.any([deps.signal, over.signal]);
    await Promise.race([lost, untilNotReadWrite(deps.database, signal)]);
  } finally {
    over.abort();
    hangUp(client);
  }
}
