import { tableLines } from '../../common/text/table.js';

/** One event, seen `n` times in one system. */
export interface Figure {
  readonly event: string;
  readonly system: string;
  readonly n: number;
  readonly medianMs: number;
  readonly maxMs: number;
}

export interface Report {
  readonly figures: readonly Figure[];
  /** Acknowledged and not there, by system. */
  readonly lost: Readonly<Record<string, number>>;
}

export function figureOf(event: string, system: string, timesMs: readonly number[]): Figure {
  const sorted = [...timesMs].sort((a, b) => a - b);
  return {
    event,
    system,
    n: sorted.length,
    medianMs: Math.round(sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
    maxMs: Math.round(sorted.at(-1) ?? Number.NaN),
  };
}

export const render = ({ figures, lost }: Report): string =>
  [
    ...tableLines([
      ['EVENT', 'SYSTEM', 'N', 'MEDIAN', 'MAX'],
      ...figures.map(({ event, system, n, medianMs, maxMs }) => [
        event,
        system,
        String(n),
        `${medianMs} ms`,
        `${maxMs} ms`,
      ]),
    ]),
    '',
    ...Object.entries(lost).map(([system, count]) => `${system}: ${count} acknowledged writes lost`),
  ].join('\n');
