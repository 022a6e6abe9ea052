import { readlinkSync, realpathSync } from 'node:fs';
import { basename, join } from 'node:path';
import { codeOf } from '../../common/errors.js';
import { readIfPresent } from '../../common/runtime/files/durable.js';
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

/** Of each data directory: the postmaster under which none had outlived another. */
const withoutOrphans = new Map<string, string>();

/**
 * How many processes outlived their postmaster (F1), cheap enough to be asked all the time: while a postmaster lives none is added, so
 * all processes of the machine are read once for each.
 */
export function orphansBeside(postmaster: ProcessInfo | undefined, dataDir: string): number {
  if (postmaster && withoutOrphans.get(dataDir) === identityOf(postmaster)) return 0;
  const family = familyOf(dataDir);
  if (family.postmaster && family.orphans.length === 0)
    withoutOrphans.set(dataDir, identityOf(family.postmaster));
  return family.orphans.length;
}

/** The postmaster alone; cheap enough to be asked all the time. */
export function postmasterOf(dataDir: string): ProcessInfo | undefined {
  const pid = Number.parseInt(readIfPresent(join(dataDir, 'postmaster.pid')) ?? '', 10);
  const process = Number.isInteger(pid) ? readProcess(pid) : undefined;
  return process && process.state !== 'Z' && worksIn(pid, realpathOr(dataDir)) ? process : undefined;
}

/**
 * Names the postmaster that lets sessions in, or has let them in: before its first one, the state that it writes into its file goes
 * over to another (PostgreSQL 10 and newer). Until then the control file may show the run before.
 */
export function startedPostmaster(dataDir: string): string | undefined {
  const postmaster = postmasterOf(dataDir);
  const state = (readIfPresent(join(dataDir, 'postmaster.pid')) ?? '').split('\n')[7]?.trim() ?? '';
  return postmaster && state !== '' && state !== 'starting' ? identityOf(postmaster) : undefined;
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
