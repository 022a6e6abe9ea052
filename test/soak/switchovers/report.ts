import type { Options } from '../options.js';
import { medianOf } from './pauses.js';
import type { Moved } from './soak.js';
import { medianSteps } from './steps.js';

export interface SwitchoverReport {
  readonly switchovers: number;
  /** Operations that failed though the app set `writeWaitMs` and repeats what it holds a client for. */
  readonly errors: number;
  readonly outcomeUnknown: number;
  /** Acknowledged writes that are not there, of any client. */
  readonly lost: number;
  /** Answers that were wrong, errors that are not promised, rows that should not be there. */
  readonly wrong: number;
  /** What apps did again by themselves: transactions, what holds a client, and whatever the bare client does. */
  readonly retries: number;
  /** The slowest operation. */
  readonly longestWaitMs: number;
  /** The longest time without an acknowledged write of a Pool, of each switchover. */
  readonly writesPausedMs: { readonly median: number; readonly max: number };
  /** Where that time goes: from each step to the next, median. */
  readonly stepsMs: Readonly<Record<string, number>>;
  readonly pausesMs: readonly number[];
  /** Until the old primary follows the new one, median. */
  readonly commandMs: number;
  readonly operations: number;
  readonly acknowledged: { readonly pool: number; readonly bare: number };
  readonly rowsCompared: number;
  readonly hangs: number;
  readonly crashes: number;
  readonly unhandled: number;
  readonly seed: number;
  readonly seconds: number;
  readonly complaints: readonly string[];
  readonly aborted: boolean;
  readonly passed: boolean;
}

/** How an acknowledged row that is not there is complained of. */
const isLoss = (complaint: string) => /: read nothing, expected version/.test(complaint);

export function switchoverReport(
  moved: Moved,
  { seed, switchovers }: Options & { readonly switchovers: number },
  seconds: number,
): SwitchoverReport {
  const { seen, tallied, pausesMs } = moved;
  const outcomes = seen?.outcomes;
  const complaints = [...moved.complaints, ...(tallied?.lost ?? []), ...(seen?.complaints ?? [])];
  const errors = outcomes ? outcomes['read-only'] - (seen?.refused ?? 0) + outcomes.lost + outcomes.down : 0;
  const numbers = {
    switchovers: moved.done,
    errors,
    outcomeUnknown: outcomes?.unknown ?? 0,
    lost: (tallied?.lost.length ?? 0) + (seen?.complaints.filter(isLoss).length ?? 0),
    wrong: seen?.wrong ?? 0,
    retries: (seen?.retries ?? 0) + (tallied?.bareRetries ?? 0),
    longestWaitMs: Math.round(seen?.slowestMs ?? 0),
    writesPausedMs: { median: Math.round(medianOf(pausesMs)), max: Math.max(0, ...pausesMs) },
  };
  const { hangs, crashes } = moved;
  const unhandled = seen?.unhandled ?? 0;
  return {
    ...numbers,
    stepsMs: medianSteps(moved.stepsMs),
    pausesMs,
    commandMs: Math.round(medianOf(moved.commandsMs)),
    operations: seen?.operations ?? 0,
    acknowledged: tallied?.acknowledged ?? { pool: 0, bare: 0 },
    rowsCompared: moved.rowsCompared,
    ...{ hangs, crashes, unhandled, seed },
    seconds: Math.round(seconds),
    complaints,
    aborted: moved.aborted,
    passed:
      moved.done === switchovers &&
      tallied !== undefined &&
      errors + numbers.lost + numbers.wrong + hangs + crashes + unhandled === 0,
  };
}

/** For people. */
export function renderSwitchovers(report: SwitchoverReport): string {
  const count = (value: number) => value.toLocaleString('en');
  const { writesPausedMs, acknowledged } = report;
  const steps = Object.entries(report.stepsMs).map(([row, ms]) => `${row} ${ms}`);
  const lines = [
    ['operations', count(report.operations)],
    ['errors', String(report.errors)],
    ['outcome unknown', String(report.outcomeUnknown)],
    [
      'lost',
      `${report.lost} of ${count(acknowledged.pool + acknowledged.bare)} acknowledged INSERTs and ${count(report.rowsCompared)} rows`,
    ],
    ['wrong', String(report.wrong)],
    ['repeated by apps', String(report.retries)],
    ['longest wait', `${count(report.longestWaitMs)} ms`],
    ['writes paused', `median ${count(writesPausedMs.median)} ms, at most ${count(writesPausedMs.max)} ms`],
    ['  of which, in ms', steps.join(', ')],
    ['until all follows', `${count(report.commandMs)} ms`],
    ['hangs, crashes', `${report.hangs}, ${report.crashes}; unhandled ${report.unhandled}`],
  ].map(([name, text]) => `  ${name!.padEnd(19)}${text}`);
  return [
    `${report.switchovers} switchovers in ${report.seconds} s, seed ${report.seed}`,
    '',
    ...lines,
    '',
    ...report.complaints.map((complaint) => `  ✗ ${complaint}`),
    ...(report.complaints.length > 0 ? [''] : []),
    report.passed ? 'passed' : report.aborted ? 'stopped early' : 'FAILED',
  ].join('\n');
}
