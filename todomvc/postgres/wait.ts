import type { Database } from '../database.js';

type Modes = Pick<Database, 'mode' | 'onMode'>;

/** Resolves when the database is writable; rejects with the signal's reason. */
export function untilReadWrite(database: Modes, signal: AbortSignal): Promise<void> {
  return until(database, (mode) => mode === 'read-write', signal);
}

/** Resolves when the database is no longer writable; rejects with the signal's reason. */
export function untilNotReadWrite(database: Modes, signal: AbortSignal): Promise<void> {
  return until(database, (mode) => mode !== 'read-write', signal);
}

function until(database: Modes, wanted: (mode: string) => boolean, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    if (wanted(database.mode.mode)) return resolve();
    const end = database.onMode(({ mode }) => {
      if (!wanted(mode)) return;
      settle();
      resolve();
    });
    const onAbort = () => {
      settle();
      reject(signal.reason as Error);
    };
    function settle() {
      end();
      signal.removeEventListener('abort', onAbort);
    }
    signal.addEventListener('abort', onAbort, { once: true });
  });
}
