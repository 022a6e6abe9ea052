import { readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from '../../common/errors.js';
import { readIfPresent } from '../../common/runtime/durable.js';
import { listProcesses, readProcess, type ProcessInfo } from '../../common/runtime/processes/proc.js';

export interface Family {
  readonly postmaster: ProcessInfo | undefined;
  /** Its children, and backends that outlived an earlier postmaster. */
  readonly members: readonly ProcessInfo[];
  /** Of the members, those that outlived theirs. */
  readonly orphans: readonly ProcessInfo[];
}

/** Every live Postgres process whose working directory is the data directory: also those whose postmaster is dead (F1). */
export function familyOf(dataDir: string): Family {
  const folder = realpathOr(dataDir);
  const members = listProcesses().filter((process) => process.state !== 'Z' && worksIn(process.pid, folder));
  const named = Number.parseInt(readIfPresent(join(dataDir, 'postmaster.pid')) ?? '', 10);
  const pids = new Set(members.map(({ pid }) => pid));
  const postmaster = members.find(({ pid }) => pid === named);
  const orphans = members.filter(({ pid, parent }) => pid !== postmaster?.pid && !pids.has(parent));
  return { postmaster, members, orphans };
}

/** The postmaster alone; cheap enough to be asked all the time. */
export function postmasterOf(dataDir: string): ProcessInfo | undefined {
  const pid = Number.parseInt(readIfPresent(join(dataDir, 'postmaster.pid')) ?? '', 10);
  const process = Number.isInteger(pid) ? readProcess(pid) : undefined;
  return process && process.state !== 'Z' && worksIn(pid, realpathOr(dataDir)) ? process : undefined;
}

/** Names one process for good. */
export const identityOf = ({ pid, startTicks }: ProcessInfo): string => `${pid} ${startTicks}`;

function worksIn(pid: number, folder: string): boolean {
  try {
    return (
      readlinkSync(`/proc/${pid}/cwd`).replace(/ \(deleted\)$/, '') === folder &&
      basename(readlinkSync(`/proc/${pid}/exe`)).replace(/ \(deleted\)$/, '') === 'postgres'
    );
  } catch {
    // It ended, or is another account's.
    return false;
  }
}

function realpathOr(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

/** True while the very same process lives; one that waits to be collected has ended. */
export function isAlive({ pid, startTicks }: ProcessInfo): boolean {
  const now = readProcess(pid);
  return now !== undefined && now.startTicks === startTicks && now.state !== 'Z';
}

export function signal(process_: ProcessInfo, name: NodeJS.Signals): void {
  if (!isAlive(process_)) return;
  try {
    process.kill(process_.pid, name);
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
