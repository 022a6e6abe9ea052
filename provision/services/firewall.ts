import { assertNever } from '../../common/assert-never.js';
import { ports } from '../../common/names.js';
import { system } from '../site/real-boxes.js';
import { addressOf, type BoxesSite } from '../site/site.js';
import type { Box, Topology } from '../topology/topology.js';

export const boxSets = [
  'all boxes',
  'Consul servers',
  'pg boxes',
  'nginx boxes',
  'todomvc boxes',
  'the DNS box',
] as const;
/** Boxes named by what they do, so that the table holds for every topology. */
export type BoxSet = (typeof boxSets)[number];

export type Source = 'anywhere' | 'management' | BoxSet;

/** One thing that may be reached from outside a box. */
export interface Opening {
  readonly what: string;
  readonly port: number;
  readonly protocols: readonly ('tcp' | 'udp')[];
  readonly on: BoxSet;
  readonly from: readonly Source[];
}

const tcp = ['tcp'] as const;
const both = ['tcp', 'udp'] as const;

/** All that is open. docs/PORTS.md shows the same table; a test compares them. */
export const openings: readonly Opening[] = [
  { what: 'HTTP', port: 80, protocols: tcp, on: 'nginx boxes', from: ['anywhere'] },
  { what: 'HTTPS', port: system.webTlsPort, protocols: tcp, on: 'nginx boxes', from: ['anywhere'] },
  { what: 'DNS', port: 53, protocols: both, on: 'the DNS box', from: ['anywhere'] },
  { what: 'SSH', port: 22, protocols: tcp, on: 'all boxes', from: ['management'] },
  {
    what: 'Consul UI and API',
    port: ports.consulHttp,
    protocols: tcp,
    on: 'the DNS box',
    from: ['management'],
  },
  { what: 'Consul gossip', port: ports.consulSerf, protocols: both, on: 'all boxes', from: ['all boxes'] },
  { what: 'Consul RPC', port: ports.consulServer, protocols: tcp, on: 'Consul servers', from: ['all boxes'] },
  {
    what: 'Postgres',
    port: ports.postgres,
    protocols: tcp,
    on: 'pg boxes',
    from: ['todomvc boxes', 'pg boxes'],
  },
  { what: 'web app', port: ports.todomvc, protocols: tcp, on: 'todomvc boxes', from: ['nginx boxes'] },
  {
    what: "agent's HTTP",
    port: ports.agentHttp,
    protocols: tcp,
    on: 'all boxes',
    // The host asks the spare's whether it streams, which Consul does not know.
    from: ['all boxes', 'management'],
  },
];

/** A rule of one box: who may open connections to a port of it. */
export interface FirewallRule {
  readonly what: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Networks or addresses; undefined: from anywhere. */
  readonly from: readonly string[] | undefined;
}

/** The rules of one box; what no rule names is dropped. Rules that nobody could use are left out. */
export function firewallOf(
  site: Pick<BoxesSite, 'topology' | 'subnet' | 'managementCidrs'>,
  box: Box,
): FirewallRule[] {
  return openings
    .filter(({ on }) => isIn(site.topology, on, box))
    .flatMap(({ what, port, protocols, from }) => {
      const sources = sourcesOf(site, box, from);
      if (sources?.length === 0) return [];
      return protocols.map((protocol) => ({ what, port, protocol, from: sources }));
    });
}

function sourcesOf(
  site: Pick<BoxesSite, 'topology' | 'subnet' | 'managementCidrs'>,
  box: Box,
  from: readonly Source[],
): string[] | undefined {
  if (from.includes('anywhere')) return undefined;
  const addresses = from.flatMap((source) => {
    if (source === 'management') return site.managementCidrs;
    const set = source as BoxSet;
    return site.topology.boxes
      .filter((other) => other.name !== box.name && isIn(site.topology, set, other))
      .map((other) => addressOf(site, other));
  });
  return [...new Set(addresses)];
}

function isIn(topology: Topology, set: BoxSet, box: Box): boolean {
  switch (set) {
    case 'all boxes':
      return true;
    case 'Consul servers':
      return box.consul === 'server';
    case 'pg boxes':
      return box.services.includes('pg');
    case 'nginx boxes':
      return box.services.includes('nginx');
    case 'todomvc boxes':
      return box.services.includes('todomvc');
    case 'the DNS box':
      return topology.dns.box === box.name;
    default:
      return assertNever(set);
  }
}
