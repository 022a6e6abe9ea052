import { ConfigError } from '../../common/errors.js';
import { isCidr, isSubnet } from './address.js';
import { serviceNames } from '../services/index.js';
import { balances, boxesOf, type FirstPolicy, type Group, type Location, type Topology } from './model.js';

/** Checks what a topology file says. Throws a ConfigError that names file, key, value and expectation. */
export function parseTopology(file: string, data: unknown): Topology {
  const refuse = (key: string, value: unknown, expected: string): never => {
    throw new ConfigError(file, key, value, expected);
  };
  const read = readersOf(refuse);
  const { object, list, oneOf, text, integer } = read;

  const top = object('the file', data, [
    'groups',
    'subnets',
    'postgres',
    'locations',
    'dns',
    'managementCidr',
    'virtualbox',
    'lxc',
  ]);
  const groups = list('groups', top['groups']).map((raw, index) => parseGroup(read, `groups[${index}]`, raw));
  refuseOverlaps(groups, refuse);
  const boxes = groups.flatMap(boxesOf);
  const servers = boxes.filter((box) => box.consul === 'server').length;
  if (servers % 2 === 0)
    refuse('groups', `${servers} Consul servers in all`, 'an odd number: change consulServers of a group');

  const subnets = object('subnets', top['subnets'], ['lab', 'vagrant']);
  const subnet = (name: 'lab' | 'vagrant') => {
    const value = subnets[name];
    return isSubnet(value)
      ? value
      : refuse(`subnets.${name}`, value, 'the first three numbers of an IPv4 address, like 192.168.56');
  };
  const lab = subnet('lab');
  if (!lab.startsWith('127.')) refuse('subnets.lab', lab, 'a loopback subnet (127.x.y)');

  const members = boxes.filter((box) => box.services.includes('pg')).map((box) => box.name);
  if (members.length === 0)
    refuse('groups', 'no box with the service pg', 'a group with pg and a count of at least 1');
  const postgres = object('postgres', top['postgres'], ['firstPrimary', 'policy']);
  const locations = list('locations', top['locations']).map((raw, index): Location => {
    const key = `locations[${index}]`;
    const location = object(key, raw, ['path', 'service', 'balance']);
    return {
      path: text(`${key}.path`, location['path'], /^\/[\w./-]*$/, 'a path that begins with /'),
      service: oneOf(`${key}.service`, location['service'], ['todomvc']),
      balance: oneOf(`${key}.balance`, location['balance'], balances),
    };
  });
  const dns = object('dns', top['dns'], ['box', 'name']);
  const virtualbox = object('virtualbox', top['virtualbox'], ['memoryMb']);
  const lxc = object('lxc', top['lxc'], ['bridge']);
  const managementCidr = top['managementCidr'] ?? null;
  return {
    groups,
    boxes,
    subnets: { lab, vagrant: subnet('vagrant') },
    postgres: {
      firstPrimary: oneOf('postgres.firstPrimary', postgres['firstPrimary'], members),
      policy: parsePolicy(read, postgres['policy'] ?? {}),
    },
    locations,
    dns: {
      box: oneOf(
        'dns.box',
        dns['box'],
        boxes.map(({ name }) => name),
      ),
      name: text('dns.name', dns['name'], dnsName, 'a DNS name with a dot in it, like todo.hotspare.test'),
    },
    managementCidr:
      managementCidr === null || isCidr(managementCidr)
        ? managementCidr
        : refuse('managementCidr', managementCidr, 'an IPv4 network like 192.168.1.0/24, or null'),
    virtualbox: { memoryMb: integer('virtualbox.memoryMb', virtualbox['memoryMb'], 256, 65_536) },
    lxc: {
      bridge: text(
        'lxc.bridge',
        lxc['bridge'],
        /^[A-Za-z][A-Za-z0-9_.-]{0,14}$/,
        'the name of a network interface: at most 15 letters, digits, "-", "_" and ".", a letter first',
      ),
    },
  };

  function parsePolicy({ object, oneOf }: typeof read, raw: unknown): FirstPolicy {
    const policy = object('postgres.policy', raw, ['roles', 'promotion', 'durability']);
    const or = <T extends string>(key: string, allowed: readonly [T, ...T[]]): T =>
      policy[key] === undefined ? allowed[0] : oneOf(`postgres.policy.${key}`, policy[key], allowed);
    return {
      roles: or('roles', ['observe', 'managed']),
      promotion: or('promotion', ['manual']),
      durability: or('durability', ['async', 'sync']),
    };
  }

  function parseGroup({ object }: typeof read, key: string, raw: unknown): Group {
    const group = object(key, raw, ['name', 'count', 'firstHost', 'consulServers', 'services']);
    const name = text(
      `${key}.name`,
      group['name'],
      /^[a-z]([a-z0-9-]{0,18}[a-z])?$/,
      'at most 20 lower-case letters, digits and hyphens that end in a letter (the boxes are NAME1, NAME2, …)',
    );
    const firstHost = integer(`${key}.firstHost`, group['firstHost'], 2, 254);
    const count = integer(`${key}.count`, group['count'], 0, 255 - firstHost);
    const services = list(`${key}.services`, group['services']).map((service, index, all) =>
      all.indexOf(service) === index
        ? oneOf(`${key}.services[${index}]`, service, serviceNames)
        : refuse(`${key}.services[${index}]`, service, 'each service only once'),
    );
    const consulServers = integer(`${key}.consulServers`, group['consulServers'], 0, count);
    return { name, count, firstHost, consulServers, services };
  }
}

const dnsName = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

type Refuse = (key: string, value: unknown, expected: string) => never;

function refuseOverlaps(groups: readonly Group[], refuse: Refuse): void {
  const last = (group: Group) => group.firstHost + group.count - 1;
  groups.forEach((group, index) => {
    for (const other of groups.slice(0, index)) {
      if (other.name === group.name)
        refuse(`groups[${index}].name`, group.name, 'a name that no other group has');
      const apart = group.firstHost > last(other) || last(group) < other.firstHost;
      if (!apart && group.count > 0 && other.count > 0)
        refuse(
          `groups[${index}].firstHost`,
          group.firstHost,
          `host numbers of its own: ${group.name} would have ${group.firstHost} to ${last(group)}, and ${other.name} has ${other.firstHost} to ${last(other)}`,
        );
    }
  });
}

function readersOf(refuse: Refuse) {
  return {
    object(key: string, value: unknown, keys: readonly string[]): Record<string, unknown> {
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        return refuse(key, value, 'an object');
      for (const [name, entry] of Object.entries(value))
        if (!keys.includes(name)) refuse(`${key}.${name}`, entry, `one of the keys ${keys.join(', ')}`);
      return value as Record<string, unknown>;
    },
    list: (key: string, value: unknown): unknown[] =>
      Array.isArray(value) ? value : refuse(key, value, 'a list'),
    oneOf: <T extends string>(key: string, value: unknown, allowed: readonly T[]): T =>
      allowed.includes(value as T) ? (value as T) : refuse(key, value, `one of ${allowed.join(', ')}`),
    text: (key: string, value: unknown, shape: RegExp, expected: string): string =>
      typeof value === 'string' && shape.test(value) ? value : refuse(key, value, expected),
    integer: (key: string, value: unknown, least: number, most: number): number =>
      Number.isInteger(value) && (value as number) >= least && (value as number) <= most
        ? (value as number)
        : refuse(key, value, `a whole number from ${least} to ${most}`),
  };
}
