import { describe, expect, test } from 'vitest';
import { datacenterOf, listing } from '../../../sidecar/consul/listing.js';

const instance = (host: string, tags: string[] | null, status = 'passing', own = {}) => ({
  Node: { Node: 'box', Address: '10.0.0.99' },
  Service: { ID: host, Address: host, Port: 5432, Tags: tags, Meta: null, ...own },
  Checks: [
    { CheckID: 'serfHealth', Status: 'passing', Output: '' },
    { CheckID: 'own', Status: status, Output: '' },
  ],
});
const found = (...hosts: string[]) => ({
  kind: 'found',
  targets: hosts.map((host) => ({ host, port: 5432 })),
});
const empty = { kind: 'empty' };

describe('who plays what, from the health of a service', () => {
  test.each([
    ['each by its tag', [instance('b', ['replica']), instance('a', ['primary'])], found('a'), found('b')],
    [
      'a list in another order is the same',
      [instance('c', ['replica']), instance('b', ['replica'])],
      empty,
      found('b', 'c'),
    ],
    [
      'master means primary, with and without it',
      [instance('a', ['master']), instance('a', ['master', 'primary'])],
      found('a'),
      empty,
    ],
    [
      'critical plays nothing',
      [instance('a', ['primary'], 'critical'), instance('b', ['replica'])],
      empty,
      found('b'),
    ],
    ['a warning is no reason', [instance('a', ['primary'], 'warning')], found('a'), empty],
    ['without an address its node has one', [instance('', ['primary'])], found('10.0.0.99'), empty],
    ['without a port nobody can connect', [instance('a', ['primary'], 'passing', { Port: 0 })], empty, empty],
    [
      'no tag, or one that says nothing',
      [instance('a', null), instance('b', ['standby-leader'])],
      empty,
      empty,
    ],
  ])('%s', (_, body, primary, replica) => {
    expect(listing(body)).toEqual({ primary, replica });
  });
  test('which history each of them has, where its agent has published one', () => {
    const own = (epoch: string) => ({
      Meta: { 'hotspare-system': '7', 'hotspare-epoch': epoch, 'hotspare-timeline': '3' },
    });
    const body = [
      instance('a', ['primary'], 'passing', own('2')),
      instance('b', ['replica'], 'passing', own('two')),
    ];
    expect(listing(body)).toEqual({
      primary: {
        ...found('a'),
        systems: { 'a:5432': '7' },
        histories: { 'a:5432': { systemId: '7', epoch: 2, timeline: 3 } },
      },
      replica: { ...found('b'), systems: { 'b:5432': '7' } },
    });
  });
  test('nobody at all is no knowledge: a token that may see nothing gets the same', () => {
    expect(listing([])).toBeNull();
  });
  test.each([[null], [{}], ['x'], [[{ Service: {} }]]])('not Consul: %j', (body) => {
    expect(() => listing(body)).toThrow(TypeError);
  });
});

test.each([
  ['consul', null],
  ['lab', null],
  ['dc2.consul', 'dc2'],
  ['DC2.Consul', 'dc2'],
  ['dc2.lab', undefined],
  ['consul.example.com', undefined],
])('the datacenter in the domain %s: %s', (domain, datacenter) => {
  expect(datacenterOf(domain)).toBe(datacenter);
});
