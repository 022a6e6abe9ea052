import { tableLines } from '../../common/text/table.js';
import type { HerdReport } from './measure.js';

export function renderHerds(reports: readonly HerdReport[]): string {
  const rows = reports.map(({ options, agentSockets, steady, failover, changedOver, complaints }) => [
    String(options.size),
    way(options),
    String(agentSockets),
    steady.serverQueriesPerSecond.toFixed(1),
    percent(steady.agentCpu),
    percent(steady.serverCpu),
    (failover.serverQueriesPerSecond * failover.seconds).toFixed(0),
    `${(failover.agentCpu * failover.seconds * 1_000).toFixed(0)} ms`,
    `${(failover.serverCpu * failover.seconds * 1_000).toFixed(0)} ms`,
    times(changedOver.toldMs),
    times(changedOver.askedMs),
    String(changedOver.never),
    String(complaints.length),
  ]);
  return tableLines([header, ...rows]).join('\n');
}

const header = [
  'resolvers',
  'they use',
  'agent: sockets',
  'at rest: server queries/s',
  'agent CPU',
  'server CPU',
  'failover: server queries',
  'agent CPU',
  'server CPU',
  'told: n, median/max ms',
  'asked: n, median/max ms',
  'never',
  'errors',
];

const way = ({ http, maxConnections, dnsCache }: HerdReport['options']) =>
  (http ? `HTTP (at most ${maxConnections ?? 200})` : 'DNS alone') + (dnsCache ? ', use_cache' : '');

const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;

function times(valuesMs: readonly number[]): string {
  if (valuesMs.length === 0) return '0';
  const sorted = [...valuesMs].sort((a, b) => a - b);
  return `${sorted.length}, ${sorted[Math.floor(sorted.length / 2)]!.toFixed(0)}/${sorted.at(-1)!.toFixed(0)}`;
}
