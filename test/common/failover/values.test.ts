import { describe, expect, test } from 'vitest';
import { snapshotOf } from '../../../common/failover/snapshot.js';
import {
  epochFormat,
  eventFormat,
  leaderFormat,
  orderFormat,
  policyFormat,
  recordFormat,
} from '../../../common/failover/values.js';

const history = { systemId: '7000000000000000001', timeline: 2, forks: [] };
const values = [
  [
    'a leader',
    leaderFormat,
    { member: 'pg1', epoch: 3, released: { fenced: true, position: '1/0/5000148' } },
  ],
  ['an epoch', epochFormat, 7],
  [
    'a record',
    recordFormat,
    {
      epoch: 3,
      durability: 'sync',
      members: [{ name: 'pg1', incarnation: 'a1' }],
      floor: '1/0/5000148',
      history,
    },
  ],
  [
    'a policy',
    policyFormat,
    { roles: 'managed', promotion: 'auto', durability: 'sync', strict: true, paused: false },
  ],
  [
    'an order',
    orderFormat,
    { kind: 'promote', id: 'x', to: 'pg2', oldPrimaryIsOff: true, recordLost: false },
  ],
  [
    'an event',
    eventFormat,
    {
      id: '1',
      atMs: 5,
      kind: 'promoted',
      member: 'pg2',
      epoch: 4,
      rule: 'L3',
      cause: 'pg1 is gone',
      bytes: 0,
    },
  ],
] as const;

test.each(values)('%s is read as it was written', (_, format, value) => {
  const { parse, print } = format as typeof leaderFormat;
  expect(parse(print(value as never))).toEqual({ kind: 'value', value });
});

test('an order that was carried out leaves `null`', () => {
  expect(orderFormat.print(undefined)).toBe('null');
  expect(orderFormat.parse('null')).toEqual({ kind: 'value', value: undefined });
});

describe('what cannot be read says where and why', () => {
  test.each([
    ['', 'leader: not JSON'],
    ['pg1', 'leader: not JSON'],
    ['null', 'leader: expected an object'],
    ['{"member":"pg1"}', 'leader.epoch: expected a whole number from 0 to 9007199254740991'],
    ['{"member":"pg1","epoch":1.5}', 'leader.epoch: expected a whole number from 0 to 9007199254740991'],
    ['{"member":"PG 1","epoch":1}', 'leader.member: expected a member'],
    [
      '{"member":"pg1","epoch":1,"mood":"good"}',
      'leader.mood: no such key; known are member, epoch, released',
    ],
  ])('%j', (text, why) => {
    expect(leaderFormat.parse(text)).toEqual({ kind: 'unreadable', why });
  });
});

test('what could not be read back is not written', () => {
  expect(() => epochFormat.print(-1)).toThrow(TypeError);
  expect(() => leaderFormat.print({ member: 'pg1', epoch: Number.NaN })).toThrow(TypeError);
});

test('a snapshot: each key by itself, and nothing of other keys', () => {
  const at = (key: string, text: string, index: number, session?: string) => ({ key, text, index, session });
  expect(
    snapshotOf('pg', [
      at('hotspare/pg/leader', '', 3),
      at('hotspare/pg/epoch', 'x', 4),
      at('hotspare/pg/order', 'null', 6),
      at('hotspare/pg/events/1', '{}', 7),
      at('hotspare/pg/leaders', '1', 8),
      at('hotspare/pg2/record', '1', 8),
      at('hotspare/pg/leader', '{"member":"pg1","epoch":1}', 5, 'S'),
    ]),
  ).toEqual({
    leader: { kind: 'value', value: { member: 'pg1', epoch: 1 }, index: 5 },
    holder: 'S',
    epoch: { kind: 'unreadable', why: 'epoch: not JSON', index: 4 },
    record: { kind: 'absent', index: 0 },
    policy: { kind: 'absent', index: 0 },
    order: { kind: 'absent', index: 6 },
  });
});
