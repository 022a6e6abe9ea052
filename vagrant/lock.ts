import { realpathSync } from 'node:fs';
import { sleep, type Clock } from '../common/clock.js';
import { UserError } from '../common/errors.js';
import { lockAddress, tryLock } from '../common/runtime/files/lock.js';
import { privateFolder } from './state.js';

export interface Locking {
  /** .vagrant/hotspare */
  readonly state: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long to wait for another call. Default: 180,000. */
  readonly waitMs?: number;
}

/** Lets one call of Vagrant at a time change what is kept in the state folder; the next waits for it. */
export async function withStateLock<T>(locking: Locking, work: () => T | Promise<T>): Promise<T> {
  const { state, clock, signal, waitMs = 180_000 } = locking;
  const address = lockAddress('hotspare-boxes', realpathSync(privateFolder(state)));
  const deadlineMs = clock.nowMs() + waitMs;
  for (;;) {
    const lock = await tryLock(address, `another call prepares these boxes (pid ${process.pid})`);
    if (lock.state === 'taken') {
      try {
        return await work();
      } finally {
        lock.release();
      }
    }
    if (clock.nowMs() >= deadlineMs)
      throw new UserError(`${lock.says ?? 'another call prepares these boxes'}: try again when it has ended`);
    await sleep(clock, 100, { signal });
  }
}
