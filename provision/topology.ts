import { readFileSync } from 'node:fs';
import { ConfigError, messageOf } from '../common/errors.js';

export const serviceNames = ['nginx', 'todomvc', 'pg'] as const;
export type ServiceName = (typeof serviceNames)[number];

export interface Box {
  readonly name: string;
  /** Last number of its address in every subnet. */
  readonly host: number;
  readonly consul: 'server' | 'client';
  readonly services: readonly ServiceName[];
}

const balances = ['round-robin', 'uri-hash'] as const;

/** One nginx location: which service answers there and how requests are spread over its instances. */
export interface Location {
  readonly path: string;
  readonly service: 'todomvc';
  readonly balance: (typeof balances)[number];
}

/** vagrant/topology.json: the one place that says which boxes there are and what runs on each. */
export interface Topology {
  readonly boxes: readonly Box[];
  /** The first three numbers of the boxes' addresses, by the way they are run. */
  readonly subnets: { readonly lab: string; readonly vagrant: string };
  /** The member that is made first; the others are cloned from it. */
  readonly postgres: { readonly firstPrimary: string };
  readonly locations: readonly Location[];
}

/** Reads and checks a topology. Throws ConfigError. */
export function loadTopology(file: string): Topology {
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new ConfigError(file, 'the file', messageOf(error), 'readable JSON');
  }
  return parseTopology(file, data);
}

export function parseTopology(file: string, data: unknown): Topology {
  const refuse = (key: string, value: unknown, expected: string): never => {
    throw new ConfigError(file, key, value, expected);
  };
  const object = (key: string, value: unknown, keys: readonly string[]): Record<string, unknown> => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return refuse(key, value, 'an object');
    for (const name of Object.keys(value)) {
      if (!keys.includes(name))
        refuse(
          `${key}.${name}`,
          (value as Record<string, unknown>)[name],
          `one of the keys ${keys.join(', ')}`,
        );
    }
    return value as Record<string, unknown>;
  };
  const list = (key: string, value: unknown): unknown[] =>
    Array.isArray(value) ? value : refuse(key, value, 'a list');
  const oneOf = <T extends string>(key: string, value: unknown, allowed: readonly T[]): T =>
    allowed.includes(value as T) ? (value as T) : refuse(key, value, `one of ${allowed.join(', ')}`);

  const top = object('the file', data, ['boxes', 'subnets', 'postgres', 'locations']);
  const boxes = list('boxes', top['boxes']).map((raw, index): Box => {
    const key = `boxes[${index}]`;
    const box = object(key, raw, ['name', 'host', 'consul', 'services']);
    const { name, host } = box;
    if (typeof name !== 'string' || !/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
      return refuse(`${key}.name`, name, 'a host name of lower-case letters, digits and hyphens');
    }
    if (!Number.isInteger(host) || (host as number) < 2 || (host as number) > 254) {
      return refuse(`${key}.host`, host, 'a whole number from 2 to 254');
    }
    return {
      name,
      host: host as number,
      consul: oneOf(`${key}.consul`, box['consul'], ['server', 'client']),
      services: list(`${key}.services`, box['services']).map((service, i) =>
        oneOf(`${key}.services[${i}]`, service, serviceNames),
      ),
    };
  });
  for (const field of ['name', 'host'] as const) {
    const seen = new Set<unknown>();
    boxes.forEach((box, index) => {
      if (seen.has(box[field])) refuse(`boxes[${index}].${field}`, box[field], 'a value no other box has');
      seen.add(box[field]);
    });
  }
  const servers = boxes.filter((box) => box.consul === 'server').length;
  if (servers % 2 === 0)
    refuse('boxes', `${servers} Consul servers`, 'an odd number of boxes with "consul": "server"');

  const subnets = object('subnets', top['subnets'], ['lab', 'vagrant']);
  const subnet = (name: 'lab' | 'vagrant'): string => {
    const value = subnets[name];
    const isSubnet =
      typeof value === 'string' &&
      /^(\d{1,3})(\.\d{1,3}){2}$/.test(value) &&
      value.split('.').every((n) => Number(n) < 256);
    return isSubnet
      ? value
      : refuse(`subnets.${name}`, value, 'the first three numbers of an IPv4 address, like 192.168.11');
  };
  const lab = subnet('lab');
  if (!lab.startsWith('127.')) refuse('subnets.lab', lab, 'a loopback subnet (127.x.y)');

  const firstPrimary = object('postgres', top['postgres'], ['firstPrimary'])['firstPrimary'];
  const members = boxes.filter((box) => box.services.includes('pg')).map((box) => box.name);
  const locations = list('locations', top['locations']).map((raw, index): Location => {
    const location = object(`locations[${index}]`, raw, ['path', 'service', 'balance']);
    const { path } = location;
    if (typeof path !== 'string' || !/^\/[\w./-]*$/.test(path)) {
      return refuse(`locations[${index}].path`, path, 'a path that begins with /');
    }
    return {
      path,
      service: oneOf(`locations[${index}].service`, location['service'], ['todomvc']),
      balance: oneOf(`locations[${index}].balance`, location['balance'], balances),
    };
  });
  return {
    boxes,
    subnets: { lab, vagrant: subnet('vagrant') },
    postgres: { firstPrimary: oneOf('postgres.firstPrimary', firstPrimary, members) },
    locations,
  };
}

export function boxesWith(topology: Topology, service: ServiceName): Box[] {
  return topology.boxes.filter((box) => box.services.includes(service));
}
