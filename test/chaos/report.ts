import { longestGapMs, roleChanges, twoPrimariesMs, type Acknowledged } from './evidence.js';
import type { Fault } from './faults/kinds.js';
import { describe } from './plan.js';

/** What was done, and seen, in one round. */
export interface Done {
  readonly faults: readonly {
    readonly fault: Fault;
    /** Where it struck; undefined: it could not be done, and `why` says why. */
    readonly box?: string;
    readonly why?: string;
    /** It struck the box of the primary in a way that may cost it its role, or was to move the role. */
    readonly hurtsPrimary: boolean;
  }[];
  readonly beganMs: number;
  /** When all followed one primary again, or were given up. */
  readonly endedMs: number;
  /** After the last healing; undefined: never without help. */
  readonly settledMs?: number;
  /** What was missing when it was given up. */
  readonly missing?: string;
  readonly lost: readonly number[];
  readonly unexpected: readonly number[];
}

export interface PerFault {
  readonly faults: readonly string[];
  readonly leftOut: readonly string[];
  readonly unavailableMs: number;
  readonly roleChanges: number;
  readonly isFalseFailover: boolean;
  readonly twoPrimariesMs: number;
  readonly lost: number;
  readonly settledMs: number | null;
  readonly missing: string | null;
}

export interface Report {
  readonly seed: number;
  /** Those that were done. */
  readonly faults: number;
  readonly seconds: number;
  readonly acknowledged: number;
  readonly lost: number;
  readonly unexpected: number;
  readonly twoPrimariesMs: number;
  readonly roleChanges: number;
  readonly falseFailovers: number;
  readonly unavailableMs: { readonly median: number; readonly max: number };
  /** Rounds after which a member did not come back by itself. */
  readonly unsettled: number;
  readonly complaints: readonly string[];
  readonly perFault: readonly PerFault[];
  /** Nothing lost, nothing unexpected, never two that acknowledged; a member may have been away for too long. */
  readonly safe: boolean;
  readonly passed: boolean;
}

export interface Ending {
  readonly rounds: readonly Done[];
  readonly acknowledged: readonly Acknowledged[];
  /** Of all numbers, at the end. */
  readonly lost: readonly number[];
  readonly unexpected: readonly number[];
  readonly complaints: readonly string[];
  readonly seconds: number;
}

export function reportOf(ending: Ending, seed: number): Report {
  const { acknowledged, rounds } = ending;
  const perFault = rounds.map((round) => perFaultOf(round, acknowledged));
  const lost = new Set([...ending.lost, ...rounds.flatMap((round) => round.lost)]).size;
  const unexpected = new Set([...ending.unexpected, ...rounds.flatMap((round) => round.unexpected)]).size;
  const unsettled = perFault.filter(({ settledMs }) => settledMs === null).length;
  const overlapMs = Math.round(twoPrimariesMs(acknowledged));
  return {
    seed,
    faults: rounds.flatMap(({ faults }) => faults.filter(({ box }) => box !== undefined)).length,
    seconds: Math.round(ending.seconds),
    acknowledged: acknowledged.length,
    lost,
    unexpected,
    twoPrimariesMs: overlapMs,
    roleChanges: roleChanges(acknowledged),
    falseFailovers: perFault.filter(({ isFalseFailover }) => isFalseFailover).length,
    unavailableMs: spread(perFault.map(({ unavailableMs }) => unavailableMs)),
    unsettled,
    complaints: ending.complaints,
    perFault,
    safe: lost + unexpected + overlapMs === 0,
    passed: lost + unexpected + unsettled + overlapMs + ending.complaints.length === 0,
  };
}

function perFaultOf(round: Done, all: readonly Acknowledged[]): PerFault {
  // From a second before, so that a change of the role is seen against what was.
  const acks = all.filter(({ ackedMs }) => ackedMs > round.beganMs - 1_000 && ackedMs <= round.endedMs);
  const changes = roleChanges(acks);
  return {
    faults: round.faults.map(({ fault, box }) => `${describe(fault)}${box === undefined ? '' : ` (${box})`}`),
    leftOut: round.faults.flatMap(({ fault, why }) => (why === undefined ? [] : [`${fault.kind}: ${why}`])),
    unavailableMs: Math.round(longestGapMs(acks, round.beganMs, round.endedMs)),
    roleChanges: changes,
    isFalseFailover: changes > 0 && round.faults.every(({ hurtsPrimary }) => !hurtsPrimary),
    twoPrimariesMs: Math.round(twoPrimariesMs(acks)),
    lost: round.lost.length,
    settledMs: round.settledMs === undefined ? null : Math.round(round.settledMs),
    missing: round.missing ?? null,
  };
}

function spread(values: readonly number[]): { median: number; max: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { median: sorted[Math.floor((sorted.length - 1) / 2)] ?? 0, max: sorted.at(-1) ?? 0 };
}

/** One line, as it goes on. */
export function line(one: PerFault): string {
  const remarks = [
    `writes away ${one.unavailableMs} ms`,
    `role changes ${one.roleChanges}${one.isFalseFailover ? ' (FALSE)' : ''}`,
    one.settledMs === null ? `NOT SETTLED: ${one.missing}` : `settled ${one.settledMs} ms after healing`,
    ...(one.lost > 0 ? [`LOST ${one.lost}`] : []),
    ...(one.twoPrimariesMs > 0 ? [`TWO PRIMARIES for ${one.twoPrimariesMs} ms`] : []),
    ...one.leftOut.map((what) => `left out: ${what}`),
  ];
  return `${one.faults.join(' + ')}: ${remarks.join('; ')}`;
}

export const lineOf = (round: Done, acks: readonly Acknowledged[]) => line(perFaultOf(round, acks));

/** For people. */
export function render(report: Report): string {
  const rows = [
    ['acknowledged', report.acknowledged.toLocaleString('en')],
    ['lost', String(report.lost)],
    ['unexpected', String(report.unexpected)],
    ['two primaries', `${report.twoPrimariesMs} ms`],
    ['role changes', `${report.roleChanges}, of them false ${report.falseFailovers}`],
    ['writes away', `${report.unavailableMs.median} ms median, ${report.unavailableMs.max} ms at most`],
    ['not settled', String(report.unsettled)],
  ].map(([what, value]) => `  ${what!.padEnd(15)}${value!}`);
  return [
    `${report.faults} faults in ${report.seconds} s, seed ${report.seed}`,
    '',
    ...report.perFault.map((one) => `  ${line(one)}`),
    '',
    ...rows,
    ...report.complaints.map((complaint) => `  ✗ ${complaint}`),
    '',
    report.passed ? 'passed' : 'FAILED',
  ].join('\n');
}
