import type { Fault } from './boxes.js';
import type { Asked } from './messages.js';
import type { Options } from './options.js';
import type { Outcome } from './evidence/outcomes.js';
import type { Vitals } from './evidence/vitals.js';

/** What was found while the load rested. */
export interface Looked extends Vitals {
  /** Failovers so far. */
  readonly after: number;
  /** Rows compared with what was answered. */
  readonly rows: number;
}

/** What a run came to. */
export interface Ending {
  readonly done: Readonly<Record<Fault, number>>;
  readonly looks: readonly Looked[];
  readonly crashes: number;
  /** Besides those that the worker has seen. */
  readonly hangs: number;
  readonly complaints: readonly string[];
  /** Missing after a crash. */
  readonly seen: Asked['seen']['answer'] | undefined;
  readonly left: { readonly sockets: number; readonly sessions: number } | undefined;
  /** Somebody pressed Ctrl-C. */
  readonly aborted: boolean;
}

export interface Report {
  readonly failovers: number;
  /** Operations that did not end within the deadline, modes that never came, a process that did not end. */
  readonly hangs: number;
  readonly crashes: number;
  readonly unhandled: number;
  /** Answers that were wrong, errors that are not promised, rows that should be or should not be there. */
  readonly wrong: number;
  /** At rest after the last failover, more than at rest after the warm-up; or open after everything was closed. */
  readonly leakedSockets: number;
  readonly heapGrowthMb: number;
  readonly seed: number;
  readonly seconds: number;
  readonly faults: Readonly<Record<Fault, number>>;
  readonly operations: number;
  readonly outcomes: Readonly<Record<Outcome, number>>;
  readonly rowsCompared: number;
  readonly slowestMs: number;
  /** What took so long, and how it ended. */
  readonly slowest: string;
  readonly deadlineMs: number;
  readonly looks: readonly Looked[];
  readonly complaints: readonly string[];
  /** Stopped by Ctrl-C before all failovers were done. */
  readonly aborted: boolean;
  readonly passed: boolean;
}

/** More is taken for a leak; what garbage collection leaves lying about varies by 1 or 2 MB. */
export const heapGrowthLimitMb = 8;

export function reportOf(ending: Ending, { seed, deadlineMs, failovers }: Options, seconds: number): Report {
  const { done, looks, seen, left } = ending;
  const [first, last] = [looks[0], looks.at(-1)];
  const growth =
    first && last ? { sockets: last.sockets - first.sockets, heap: last.heapMb - first.heapMb } : undefined;
  const numbers = {
    failovers: done.kill + done.freeze + done.stop,
    hangs: ending.hangs + (seen?.hangs ?? 0),
    crashes: ending.crashes,
    unhandled: seen?.unhandled ?? 0,
    wrong: seen?.wrong ?? 0,
    leakedSockets: Math.max(0, growth?.sockets ?? 0) + (left ? left.sockets + left.sessions : 0),
    heapGrowthMb: round(growth?.heap ?? 0),
  };
  const { hangs, crashes, unhandled, wrong, leakedSockets, heapGrowthMb } = numbers;
  return {
    ...numbers,
    seed,
    seconds: Math.round(seconds),
    faults: done,
    operations: seen?.operations ?? 0,
    outcomes: seen?.outcomes ?? { done: 0, 'read-only': 0, lost: 0, unknown: 0, down: 0 },
    rowsCompared: looks.reduce((sum, { rows }) => sum + rows, 0),
    slowestMs: Math.round(seen?.slowestMs ?? 0),
    slowest: seen?.slowest ?? 'nothing',
    deadlineMs,
    looks: looks.map((look) => ({ ...look, heapMb: round(look.heapMb), rssMb: round(look.rssMb) })),
    complaints: [...ending.complaints, ...(seen?.complaints ?? [])],
    aborted: ending.aborted,
    passed:
      numbers.failovers === failovers &&
      hangs + crashes + unhandled + wrong + leakedSockets === 0 &&
      heapGrowthMb <= heapGrowthLimitMb,
  };
}

const round = (value: number) => Math.round(value * 10) / 10;

const mb = (value: number) => `${value.toFixed(1)} MB`;

/** For people. */
export function render(report: Report): string {
  const { faults, outcomes, looks } = report;
  const count = (value: number) => value.toLocaleString('en');
  const [first, last] = [looks[0], looks.at(-1)];
  const lines = [
    `${report.failovers} failovers (${faults.kill} killed, ${faults.freeze} frozen, ${faults.stop} stopped in good order) in ${report.seconds} s, seed ${report.seed}`,
    '',
    ['operations', `${count(report.operations)}, of them done ${count(outcomes.done)}`],
    [
      '',
      `refused as read-only ${outcomes['read-only']}, connection lost ${outcomes.lost}, outcome unknown ${outcomes.unknown}, down ${outcomes.down}`,
    ],
    [
      'slowest',
      `${count(report.slowestMs)} ms (${report.slowest}); the deadline is ${count(report.deadlineMs)} ms`,
    ],
    ['rows compared', count(report.rowsCompared)],
    ['hangs', String(report.hangs)],
    ['crashes', String(report.crashes)],
    ['unhandled', String(report.unhandled)],
    ['wrong', String(report.wrong)],
    ...(first && last
      ? [
          [
            'heap at rest',
            `${mb(first.heapMb)} after failover ${first.after}, ${mb(last.heapMb)} after failover ${last.after} (${report.heapGrowthMb < 0 ? '-' : '+'}${mb(Math.abs(report.heapGrowthMb))}; fails above +${heapGrowthLimitMb} MB)`,
          ],
          [
            'sockets at rest',
            `${first.sockets} after failover ${first.after}, ${last.sockets} after failover ${last.after}; leaked ${report.leakedSockets}`,
          ],
        ]
      : []),
  ].map((line) => (Array.isArray(line) ? `  ${line[0]!.padEnd(17)}${line[1]!}` : line));
  const complaints = report.complaints.map((complaint) => `  ✗ ${complaint}`);
  return [
    ...lines,
    '',
    ...complaints,
    ...(complaints.length > 0 ? [''] : []),
    report.passed ? 'passed' : report.aborted ? 'stopped early' : 'FAILED',
  ].join('\n');
}
