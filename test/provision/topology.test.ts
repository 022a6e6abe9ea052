import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseTopology } from '../../provision/topology.js';

const good = () => JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as Record<string, unknown>;
const boxes = () => good()['boxes'] as Record<string, unknown>[];
const withBox = (index: number, change: object) => ({
  ...good(),
  boxes: boxes().map((box, i) => (i === index ? { ...box, ...change } : box)),
});

test('the topology that is shipped is accepted, five boxes of it', () => {
  expect(parseTopology('t', good()).boxes.map(({ name }) => name)).toEqual([
    'adm1',
    'nginx1',
    'nginx2',
    'pg1',
    'pg2',
  ]);
});

describe('a bad topology is refused with key, value and expectation', () => {
  const rows: [string, unknown, RegExp][] = [
    ['not an object', [], /the file is \[\]; expected an object/],
    ['an unknown key', { ...good(), boxen: 1 }, /boxen is 1; expected one of the keys/],
    ['a box name', withBox(0, { name: 'Adm_1' }), /boxes\[0\]\.name is "Adm_1"; expected a host name/],
    [
      'a host number',
      withBox(0, { host: 255 }),
      /boxes\[0\]\.host is 255; expected a whole number from 2 to 254/,
    ],
    [
      'an unknown service',
      withBox(3, { services: ['mysql'] }),
      /boxes\[3\]\.services\[0\] is "mysql"; expected one of/,
    ],
    [
      'two boxes of one name',
      withBox(1, { name: 'adm1' }),
      /boxes\[1\]\.name is "adm1"; expected a value no other box has/,
    ],
    ['two boxes of one address', withBox(1, { host: 5 }), /boxes\[1\]\.host is 5/],
    ['an even number of servers', withBox(0, { consul: 'client' }), /odd number of boxes/],
    [
      'a subnet outside loopback',
      { ...good(), subnets: { lab: '10.0.0', vagrant: '192.168.11' } },
      /subnets\.lab/,
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
  ];
  test.each(rows)('%s', (_what, data, message) => {
    expect(() => parseTopology('t', data)).toThrow(message);
  });
});
