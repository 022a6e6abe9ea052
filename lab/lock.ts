import { closeSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { UserError, codeOf } from '../common/errors.js';
import { readProcess } from '../common/runtime/processes/proc.js';

/** Lets one command at a time change a lab. A lock whose holder has died is taken over. */
export async function withLock<T>(file: string, what: string, work: () => Promise<T>): Promise<T> {
  take(file, what);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string, what: string): void {
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      const handle = openSync(file, 'wx', 0o644);
      writeSync(
        handle,
        JSON.stringify({ pid: process.pid, startTicks: readProcess(process.pid)?.startTicks, what }),
      );
      closeSync(handle);
      return;
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw error;
    }
    const holder = readHolder(file);
    const live = holder && readProcess(holder.pid);
    if (live && live.startTicks === holder.startTicks) {
      throw new UserError(
        `"${holder.what}" is at work on this lab (pid ${holder.pid}): wait until it has ended`,
      );
    }
    rmSync(file, { force: true });
  }
  throw new UserError(`${file} cannot be taken; another command keeps taking it`);
}

function readHolder(file: string): { pid: number; startTicks: number; what: string } | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { pid: number; startTicks: number; what: string };
  } catch {
    // Half written by a command that died, or just released.
    return undefined;
  }
}
