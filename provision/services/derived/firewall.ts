import { addressOf, type BoxesSite } from '../../site/site.js';
import type { Box, Topology } from '../../topology/model.js';
import { programs } from '../index.js';
import { isDnsBox, type BoxSet, type Opening, type Source } from '../program.js';

export type { Opening } from '../program.js';

/** Those for anybody are read first, then those for whoever manages the boxes. */
const width = ({ from }: Opening) => (from[0] === 'anywhere' ? 0 : from[0] === 'management' ? 1 : 2);

/** All that is open. docs/PORTS.md shows the same table; a test compares them. */
export const openings: readonly Opening[] = programs
  .flatMap((program) => program.openings ?? [])
  .sort((a, b) => width(a) - width(b));

/** A rule of one box: who may open connections to a port of it. */
export interface FirewallRule {
  readonly what: string;
  readonly port: number;
  readonly protocol: 'tcp' | 'udp';
  /** Networks or addresses; undefined: from anywhere. */
  readonly from: readonly string[] | undefined;
}

/** The rules of one box; what no rule names is dropped. Rules that would let nothing in are left out. */
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
    case 'the DNS box':
      return isDnsBox(topology, box);
    default:
      return box.services.includes(set.replace(/ boxes$/, ''));
  }
}
