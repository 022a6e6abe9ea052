import type { PoolReport } from './pools.js';
import type { ResolverReport } from './resolver.js';
import type { Spread } from './statistics.js';

export interface Report {
  readonly pools: PoolReport;
  readonly resolver: ResolverReport;
}

export const show = ({ median, low, high }: Spread, digits = 3) =>
  `${median.toFixed(digits)} (${low.toFixed(digits)}-${high.toFixed(digits)})`;

/** For people. Every ratio is the median of the rounds, with its quartiles. */
export function render({ pools, resolver }: Report): string {
  const header = [
    'statement',
    'c',
    'bare q/s',
    'q/s bare/bare',
    'q/s hotspare/bare',
    'CPU bare/bare',
    'CPU hotspare/bare',
    ...(pools.against === undefined
      ? []
      : [`q/s hotspare/${pools.against}`, `CPU hotspare/${pools.against}`]),
  ];
  const rows = pools.rows.map(({ statement, concurrency, bareQps, throughput, cpuPerQuery }) => [
    statement,
    String(concurrency),
    bareQps.toFixed(0),
    show(throughput.again),
    show(throughput.hotspare),
    show(cpuPerQuery.again),
    show(cpuPerQuery.hotspare),
    ...(throughput.against ? [show(throughput.against)] : []),
    ...(cpuPerQuery.against ? [show(cpuPerQuery.against)] : []),
  ]);
  return [
    `hotspare's Pool next to bare pg: ${pools.rounds} rounds of ${pools.roundMs} ms each, taking turns`,
    '',
    ...table(header, rows),
    '',
    `an idle pool with its monitors: ${pools.idleCpuPercent.toFixed(2)} % of one core`,
    '',
    `Resolver.primary(), ${resolver.lookups} times`,
    `  nothing known  ${show(resolver.emptyCacheMs, 2)} ms`,
    `  known          ${show(resolver.cachedUs, 1)} µs, no I/O`,
  ].join('\n');
}

/** Its lines, in columns. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd();
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)];
}
