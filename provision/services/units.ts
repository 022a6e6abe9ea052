import type { BoxesSite } from '../site/site.js';
import type { Box, ServiceName, Topology } from '../topology/topology.js';

/** The systemd unit of each service of a real box. */
export function unitNames(site: Pick<BoxesSite, 'binaries'>): Readonly<Record<ServiceName | 'dns', string>> {
  return {
    pg: `postgresql@${site.binaries.postgresMajor}-main.service`,
    nginx: 'nginx.service',
    todomvc: 'todomvc.service',
    dns: 'dnsmasq.service',
  };
}

export function isDnsBox({ dns }: Topology, box: Box): boolean {
  return dns.box === box.name;
}

/** What the agent of this box may start, stop, restart, reload and kill: exactly that. */
export function drivenUnits(site: Pick<BoxesSite, 'binaries' | 'topology'>, box: Box): string[] {
  const names = unitNames(site);
  return [
    ...box.services.map((service) => names[service]),
    ...(isDnsBox(site.topology, box) ? [names.dns] : []),
  ];
}
