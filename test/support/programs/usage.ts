import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { familyOf, listProcesses } from '../../../common/runtime/processes/proc.js';

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

export interface Usage {
  /** Proportional set size: shared pages are counted once, split among those who share them. */
  readonly pssMb: number;
  readonly cpuSeconds: number;
}

/** What a program with all its processes holds now and has used since its start. */
export function usageOf(mainPid: number): Usage {
  let pssKb = 0;
  let ticks = 0;
  for (const { pid } of familyOf(mainPid, listProcesses())) {
    try {
      pssKb += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // Its own time and that of children that have ended: Postgres forks a backend for every session.
      ticks += [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index]), 0);
    } catch {
      // It ended meanwhile.
    }
  }
  return { pssMb: pssKb / 1024, cpuSeconds: ticks / ticksPerSecond };
}
