import { UserError } from '../common/errors.js';
import { lockAddress, tryLock } from '../common/runtime/files/lock.js';

export function lockName(directory: string): string {
  return lockAddress('hotspare-lab', directory);
}

/** Lets one command at a time change the lab in `directory`. Whoever comes second is told who is at work. */
export async function withLock<T>(directory: string, what: string, work: () => Promise<T>): Promise<T> {
  const lock = await tryLock(lockName(directory), `"${what}" is at work on this lab (pid ${process.pid})`);
  if (lock.state === 'held')
    throw new UserError(`${lock.says ?? 'another command is at work on this lab'}: wait until it has ended`);
  try {
    return await work();
  } finally {
    lock.release();
  }
}
