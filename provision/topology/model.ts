import type { Policy } from '../../common/failover/shapes.js';

/** Boxes that are alike: NAME1, NAME2, … Scaling out is its `count`. */
export interface Group {
  readonly name: string;
  /** 0 makes none. */
  readonly count: number;
  /** Last number of the address of its first box; the others follow. */
  readonly firstHost: number;
  /** So many of its boxes, from the first on, are Consul servers. */
  readonly consulServers: number;
  /** Names of descriptors in provision/services. */
  readonly services: readonly string[];
}

export interface Box {
  readonly name: string;
  /** Last number of its address in every subnet. */
  readonly host: number;
  readonly consul: 'server' | 'client';
  readonly services: readonly string[];
}

export const balances = ['round-robin', 'uri-hash'] as const;

/** One nginx location: which service answers there and how requests are spread over its instances. */
export interface Location {
  readonly path: string;
  readonly service: 'todomvc';
  readonly balance: (typeof balances)[number];
}

export type FirstPolicy = Pick<Policy, 'roles' | 'promotion' | 'durability'>;

/** vagrant/topology.json: the one place that says which boxes there are and what runs on each. */
export interface Topology {
  readonly groups: readonly Group[];
  /** The boxes of all groups, in the file's order. */
  readonly boxes: readonly Box[];
  /** The first three numbers of the boxes' addresses, by the way they are run. */
  readonly subnets: { readonly lab: string; readonly vagrant: string };
  /** The member that is made first, the others are cloned from it; and the policy while Consul holds none. */
  readonly postgres: { readonly firstPrimary: string; readonly policy: FirstPolicy };
  readonly locations: readonly Location[];
  /** The box that answers DNS for the local network and whose Consul UI is shown, and the name of the load balancers. */
  readonly dns: { readonly box: string; readonly name: string };
  /** From where real boxes may be managed, besides the host that runs them. Null: from nowhere else. */
  readonly managementCidr: string | null;
  /** What VirtualBox gives each box. */
  readonly virtualbox: { readonly memoryMb: number };
  /** The bridge LXC boxes are plugged into unless another is chosen. */
  readonly lxc: { readonly bridge: string };
}

/** NAME1 … NAMEn of one group. */
export function boxesOf(group: Group): Box[] {
  return Array.from({ length: group.count }, (_, index) => ({
    name: `${group.name}${index + 1}`,
    host: group.firstHost + index,
    consul: index < group.consulServers ? 'server' : 'client',
    services: group.services,
  }));
}

export function boxesWith(topology: Topology, service: string): Box[] {
  return topology.boxes.filter((box) => box.services.includes(service));
}

export function consulServersOf(topology: Topology): Box[] {
  return topology.boxes.filter((box) => box.consul === 'server');
}
