import { readFileSync, readdirSync } from 'node:fs';

/** What /proc/PID/stat says of a process. */
export interface ProcessInfo {
  readonly pid: number;
  readonly name: string;
  /** One letter as in ps: R running, S sleeping, T stopped, Z zombie … */
  readonly state: string;
  readonly parent: number;
  readonly session: number;
  /** Clock ticks after boot at which it started: with the pid, names one process for good. */
  readonly startTicks: number;
}

export function readProcess(pid: number): ProcessInfo | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name stands in parentheses and may itself hold spaces and parentheses.
  const close = text.lastIndexOf(')');
  const rest = text.slice(close + 2).split(' ');
  return {
    pid,
    name: text.slice(text.indexOf('(') + 1, close),
    state: rest[0] ?? '?',
    parent: Number(rest[1]),
    session: Number(rest[3]),
    startTicks: Number(rest[19]),
  };
}

export function listProcesses(): ProcessInfo[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
}

/**
 * The live processes that belong to a unit started as leader of its own session: the main process, all below it, and
 * those of its session that outlived it (nginx workers after a kill -9 of the master).
 */
export function familyOf(mainPid: number, all: readonly ProcessInfo[] = listProcesses()): ProcessInfo[] {
  const family = new Map<number, ProcessInfo>();
  let grew = true;
  while (grew) {
    grew = false;
    for (const process of all) {
      if (family.has(process.pid) || process.state === 'Z') continue;
      if (process.pid === mainPid || process.session === mainPid || family.has(process.parent)) {
        family.set(process.pid, process);
        grew = true;
      }
    }
  }
  return [...family.values()];
}
