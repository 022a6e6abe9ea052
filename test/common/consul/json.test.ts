import { expect, test } from 'vitest';
import { parseHealth } from '../../../common/consul/json.js';

const item = (service: object = {}, more: object = {}) => ({
  Node: { Node: 'pg1', Address: '10.0.0.9' },
  Service: { ID: 'pg@pg1', Address: '10.0.0.1', Port: 5432, Tags: ['primary'], Meta: { a: 'b' }, ...service },
  Checks: [{ CheckID: 'serfHealth', Status: 'passing', Output: 'alive\n' }],
  ...more,
});

test('an instance as Consul writes it', () => {
  expect(parseHealth([item()])).toEqual([
    {
      node: 'pg1',
      id: 'pg@pg1',
      address: '10.0.0.1',
      port: 5432,
      tags: ['primary'],
      meta: { a: 'b' },
      checks: [{ id: 'serfHealth', status: 'passing', text: 'alive' }],
    },
  ]);
});

test('what Consul leaves out: the node has the address, no tags is null', () => {
  expect(parseHealth([item({ Address: '', Tags: null, Meta: null }, { Checks: null })])).toMatchObject([
    { address: '10.0.0.9', tags: [], meta: {}, checks: [] },
  ]);
  expect(parseHealth([])).toEqual([]);
});

test.each<[string, unknown]>([
  ['no list', { a: 1 }],
  ['null', null],
  ['a list of texts', ['pg1']],
  ['no service', [{ Node: { Node: 'pg1', Address: '' } }]],
  ['a port that is a text', [item({ Port: '5432' })]],
  ['tags that are a text', [item({ Tags: 'primary' })]],
  ['meta of numbers', [item({ Meta: { a: 1 } })]],
  ['an unheard-of status', [item({}, { Checks: [{ CheckID: 'x', Status: 'fine', Output: '' }] })]],
])('%s is not Consul', (_, body) => {
  expect(() => parseHealth(body)).toThrow(TypeError);
});

test.each([
  [{ CheckID: '_node_maintenance', Notes: 'new disk ' }, 'in maintenance: new disk'],
  [{ CheckID: '_service_maintenance:pg@pg1', Notes: '' }, 'in maintenance'],
  [{ CheckID: 'mine', Notes: 'what it is for', Output: 'well' }, 'well'],
])('the text of %j', (check, shown) => {
  const body = [item({}, { Checks: [{ Status: 'critical', Output: '', ...check }] })];
  expect(parseHealth(body)[0]?.checks[0]?.text).toBe(shown);
});
