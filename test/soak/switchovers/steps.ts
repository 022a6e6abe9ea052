import { medianOf } from './pauses.js';

/** A decision of an agent that began something. */
export interface Step {
  /** By the clock of the machine, in ms. */
  readonly atMs: number;
  readonly member: string;
  readonly row: string;
}

/** What happens while an app cannot write, in its order. */
export const rowsOfPause = [
  'drain',
  'hold',
  'make-final',
  'retract',
  'hand-over',
  'take-ordered',
  'promote',
  'record-promotion',
  'open-gate',
] as const;

/** Those of one agent's log, whose lines are JSON. Pure. */
export function stepsIn(log: string, member: string, sinceMs: number): Step[] {
  return log.split('\n').flatMap((line) => {
    if (!line.includes('"row"')) return [];
    try {
      const { time, row } = JSON.parse(line) as { time: string; row: string };
      const atMs = Date.parse(time);
      return atMs >= sinceMs ? { atMs, member, row } : [];
    } catch {
      return []; // cut off in the middle
    }
  });
}

/** The longest time without an acknowledged write, by the clock of the machine, in ms. */
export interface Pause {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * How much of the pause each row took until the next of them, of one switchover; the last until the first write. Writes that had begun
 * before the drain are acknowledged during it. What did not happen is left out. Pure.
 */
export function durationsOf(steps: readonly Step[], { fromMs, toMs }: Pause): Record<string, number> {
  const within = (ms: number) => Math.round(Math.min(Math.max(ms, fromMs), toMs));
  const begun = rowsOfPause.flatMap((row) => {
    const first = steps.find((step) => step.row === row);
    return first ? [first] : [];
  });
  return Object.fromEntries(
    begun.map(({ row, atMs }, index) => [row, within(begun[index + 1]?.atMs ?? toMs) - within(atMs)]),
  );
}

/** The median of each row over all switchovers, in ms. Pure. */
export function medianSteps(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  return Object.fromEntries(
    rowsOfPause.flatMap((row) => {
      const found = all.flatMap((one) => one[row] ?? []);
      return found.length === 0 ? [] : [[row, Math.round(medianOf(found))]];
    }),
  );
}
