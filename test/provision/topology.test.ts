import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTopology } from '../../provision/topology/topology.js';

const good = () => JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as Record<string, unknown>;
const groups = () => good()['groups'] as Record<string, unknown>[];
const withGroup = (index: number, change: object) => ({
  ...good(),
  groups: groups().map((group, i) => (i === index ? { ...group, ...change } : group)),
});
const [adm, pg, nginx] = [0, 1, 2] as const;
const summary = (data: unknown) =>
  parseTopology('t', data).boxes.map(({ name, host, consul }) => `${name} .${host} ${consul}`);

test('the topology that is shipped: five boxes', () => {
  expect(summary(good())).toEqual([
    'adm1 .5 server',
    'pg1 .11 server',
    'pg2 .12 client',
    'nginx1 .21 server',
    'nginx2 .22 client',
  ]);
});

test('scaling out is one number', () => {
  expect(summary(withGroup(nginx, { count: 4 })).slice(3)).toEqual([
    'nginx1 .21 server',
    'nginx2 .22 client',
    'nginx3 .23 client',
    'nginx4 .24 client',
  ]);
});

test('a group may be empty', () => {
  const data = withGroup(nginx, { count: 0, consulServers: 0, firstHost: 11 });
  expect(
    summary({ ...data, groups: [...data.groups, { ...groups()[adm], name: 'x', firstHost: 9 }] }),
  ).toEqual(['adm1 .5 server', 'pg1 .11 server', 'pg2 .12 client', 'x1 .9 server']);
});

test('management: left out and null are the same', () => {
  const { managementCidr: _, ...without } = good();
  expect(parseTopology('t', without).managementCidr).toBeNull();
  expect(parseTopology('t', { ...good(), managementCidr: '10.0.0.0/8' }).managementCidr).toBe('10.0.0.0/8');
});

test('what Vagrant gives the boxes', () => {
  const { virtualbox, lxc } = parseTopology('t', {
    ...good(),
    virtualbox: { memoryMb: 1024 },
    lxc: { bridge: 'br1' },
  });
  expect([virtualbox, lxc]).toEqual([{ memoryMb: 1024 }, { bridge: 'br1' }]);
});

test('the policy of the first hour: observe, manual, async, unless it says another', () => {
  const policyOf = (policy?: object) =>
    parseTopology('t', { ...good(), postgres: { firstPrimary: 'pg1', ...(policy && { policy }) } }).postgres
      .policy;
  expect(policyOf()).toEqual({ roles: 'observe', promotion: 'manual', durability: 'async' });
  expect(policyOf({ roles: 'managed' })).toEqual({
    roles: 'managed',
    promotion: 'manual',
    durability: 'async',
  });
  expect(policyOf({ durability: 'sync' })).toMatchObject({ durability: 'sync' });
  // What no agent keeps is not taken for a promise.
  expect(() => policyOf({ promotion: 'auto' })).toThrow(/postgres\.policy\.promotion is "auto".*manual/);
});

describe('a bad topology is refused with key, value and expectation', () => {
  const rows: [string, unknown, RegExp][] = [
    ['not an object', [], /the file is \[\]; expected an object/],
    ['an unknown key', { ...good(), boxes: [] }, /boxes is \[\]; expected one of the keys groups/],
    ['no memory', { ...good(), virtualbox: {} }, /virtualbox\.memoryMb is missing; expected a whole number/],
    ['no bridge', { ...good(), lxc: undefined }, /lxc is missing; expected an object/],
    ['a long bridge', { ...good(), lxc: { bridge: 'b234567890123456' } }, /lxc\.bridge is "b2345/],
    ['no groups', { ...good(), groups: undefined }, /groups is missing; expected a list/],
    [
      'an upper-case name',
      withGroup(adm, { name: 'Adm' }),
      /groups\[0\]\.name is "Adm"; expected .*lower-case/,
    ],
    ['a name that ends in a digit', withGroup(pg, { name: 'pg1' }), /groups\[1\]\.name is "pg1"; expected/],
    [
      'two groups of one name',
      withGroup(adm, { name: 'pg' }),
      /groups\[1\]\.name is "pg"; expected a name that no/,
    ],
    [
      'a policy',
      { ...good(), postgres: { firstPrimary: 'pg1', policy: { roles: 'patroni' } } },
      /postgres\.policy\.roles is "patroni"; expected one of observe, managed/,
    ],
    [
      'a first host',
      withGroup(adm, { firstHost: 1 }),
      /groups\[0\]\.firstHost is 1; expected a whole number from 2 to 254/,
    ],
    [
      'a negative count',
      withGroup(pg, { count: -1 }),
      /groups\[1\]\.count is -1; expected a whole number from 0 to 244/,
    ],
    ['half a box', withGroup(pg, { count: 1.5 }), /groups\[1\]\.count is 1\.5/],
    ['too many boxes', withGroup(nginx, { count: 235 }), /groups\[2\]\.count is 235; expected .* 0 to 234/],
    [
      'overlapping groups',
      withGroup(pg, { count: 11 }),
      /groups\[2\]\.firstHost is 21; expected .*nginx would have 21 to 22, and pg has 11 to 21/,
    ],
    [
      'more servers than boxes',
      withGroup(pg, { consulServers: 3 }),
      /groups\[1\]\.consulServers is 3; expected a whole number from 0 to 2/,
    ],
    [
      'an even number of servers',
      withGroup(adm, { consulServers: 0 }),
      /"2 Consul servers in all"; expected an odd/,
    ],
    [
      'an unknown service',
      withGroup(pg, { services: ['mysql'] }),
      /groups\[1\]\.services\[0\] is "mysql"; expected one of/,
    ],
    [
      'a service twice',
      withGroup(pg, { services: ['pg', 'pg'] }),
      /groups\[1\]\.services\[1\] is "pg"; expected each/,
    ],
    ['no database', withGroup(pg, { services: [] }), /expected a group with pg/],
    [
      'a subnet outside loopback',
      { ...good(), subnets: { lab: '10.0.0', vagrant: '192.168.11' } },
      /subnets\.lab/,
    ],
    [
      'a subnet',
      { ...good(), subnets: { lab: '127.0.1', vagrant: '192.168.256' } },
      /subnets\.vagrant is "192\.168\.256"/,
    ],
    [
      'a primary that is no member',
      { ...good(), postgres: { firstPrimary: 'adm1' } },
      /postgres\.firstPrimary is "adm1"; expected one of pg1, pg2/,
    ],
    [
      'a balance',
      { ...good(), locations: [{ path: '/', service: 'todomvc', balance: 'random' }] },
      /locations\[0\]\.balance is "random"/,
    ],
    [
      'a path',
      { ...good(), locations: [{ path: 'x', service: 'todomvc', balance: 'uri-hash' }] },
      /locations\[0\]\.path/,
    ],
    ['no DNS', { ...good(), dns: undefined }, /dns is missing; expected an object/],
    [
      'DNS on no box',
      { ...good(), dns: { box: 'adm2', name: 'a.test' } },
      /dns\.box is "adm2"; expected one of adm1, pg1/,
    ],
    [
      'a name without a dot',
      { ...good(), dns: { box: 'adm1', name: 'todo' } },
      /dns\.name is "todo"; expected a DNS name/,
    ],
    ...['192.168.11.1', '192.168.11.1/33', '300.1.1.1/8', '::/0', 5].map(
      (value): [string, unknown, RegExp] => [
        `management from ${value}`,
        { ...good(), managementCidr: value },
        /managementCidr is .*; expected an IPv4 network like/,
      ],
    ),
  ];
  test.each(rows)('%s', (_what, data, message) => {
    expect(() => parseTopology('t', data)).toThrow(message);
  });
});
