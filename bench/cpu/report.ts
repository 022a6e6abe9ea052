import { show, table } from '../report.js';
import type { CpuReport } from './compare.js';

/** For people. Every figure is the median of the generations, with its quartiles. */
export function renderCpu({ generations, rounds, against, rows }: CpuReport): string {
  const header = [
    ...['statement', 'c', 'bare µs', 'hotspare µs', 'over bare µs', 'A/A µs', 'hotspare/bare', 'A/A'],
    ...(against === undefined ? [] : [`over ${against} µs`, `hotspare/${against}`]),
  ];
  const cells = rows.map((row) => [
    row.call,
    String(row.concurrency),
    row.bareUs.toFixed(2),
    row.hotspareUs.toFixed(2),
    show(row.overBare, 2),
    show(row.overAgain, 2),
    show(row.ratioToBare),
    show(row.ratioAgain),
    ...(row.overAgainst ? [show(row.overAgainst, 2)] : []),
    ...(row.ratioToAgainst ? [show(row.ratioToAgainst)] : []),
  ]);
  return [
    `CPU of one statement, canned answers: ${generations} generations of processes, ${rounds} rounds each, taking turns`,
    'A/A: one build against itself in another process',
    '',
    ...table(header, cells),
  ].join('\n');
}
