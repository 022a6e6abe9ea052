import { tableLines } from '../../common/text/table.js';
import { forecast, type Fleet, type Times, type UnitCosts } from './model.js';

/** Measured; see docs/SCALE.md for how. */
export const measured: UnitCosts = {
  renewalMs: 0.9,
  toldMs: 0.35,
  cachedLookupMs: 0.05,
  lookupAgentMs: 0.15,
  lookupServerMs: 0.13,
};

/** Ten thousand resolvers, on many boxes or on few. */
const fleets: readonly Fleet[] = [
  { agents: 200, resolversPerAgent: 50, connections: 200, dnsCache: false },
  { agents: 50, resolversPerAgent: 200, connections: 200, dnsCache: false },
  { agents: 10, resolversPerAgent: 1_000, connections: 200, dnsCache: false },
  { agents: 10, resolversPerAgent: 1_000, connections: 200, dnsCache: true },
  { agents: 200, resolversPerAgent: 50, connections: 0, dnsCache: false },
  { agents: 200, resolversPerAgent: 50, connections: 0, dnsCache: true },
  { agents: 1, resolversPerAgent: 10_000, connections: 200, dnsCache: false },
  { agents: 1, resolversPerAgent: 10_000, connections: 200, dnsCache: true },
];

export function simulate(random: () => number): string {
  const rows = fleets.map((fleet) => {
    const { told, atRest, failover } = forecast(fleet, measured, random);
    return [
      `${fleet.agents} x ${fleet.resolversPerAgent}`,
      fleet.connections === 0 ? 'no' : String(told),
      fleet.dnsCache ? 'yes' : 'no',
      atRest.serverQueriesPerSecond.toFixed(0),
      percent(atRest.agentCpu),
      percent(atRest.serverCpu),
      String(failover.serverQueries),
      String(failover.serverPeakPerSecond),
      `${failover.serverCpuMs.toFixed(0)} ms`,
      shown(failover.toldMs),
      shown(failover.askedMs),
    ];
  });
  return tableLines([header, ...rows]).join('\n');
}

const header = [
  'agents x resolvers',
  'told by HTTP',
  'use_cache',
  'server queries/s',
  'agent CPU',
  'server CPU',
  'in a failover',
  'peak/s',
  'server CPU',
  'told after ms',
  'asked after ms',
];
const percent = (fraction: number) => `${(100 * fraction).toFixed(1)} %`;
const shown = (times: Times | null) => (times ? `${times.median.toFixed(0)}/${times.max.toFixed(0)}` : '-');
