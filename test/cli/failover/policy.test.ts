import { expect, test } from 'vitest';
import { losesSafety, parsePolicy, policyIn } from '../../../cli/failover/policy.js';
import { policy, reportOf } from './reports.js';

test('words of a policy', () => {
  expect(parsePolicy(['roles=observe', 'strict=true'])).toEqual({ roles: 'observe', strict: true });
});

test.each([
  [[], 'expected KEY=VALUE'],
  [['roles'], 'expected KEY=VALUE with one of roles'],
  [['paused=true'], '"hotspare pause" pauses'],
  [['roles=maybe'], 'expected one of observe, managed'],
  [['roles=observe', 'roles=managed'], 'roles is given twice'],
  [['toString=1'], 'expected KEY=VALUE with one of'],
])('%j is refused', (words, text) => {
  expect(() => parsePolicy(words)).toThrow(
    expect.objectContaining({ exitCode: 2, message: expect.stringContaining(text) as string }),
  );
});

test('it asks only where less is promised afterwards', () => {
  expect(losesSafety(policy, { roles: 'observe' })).toHaveLength(1);
  expect(
    losesSafety({ ...policy, durability: 'sync', strict: true }, { durability: 'async', strict: false }),
  ).toHaveLength(2);
  expect(losesSafety({ ...policy, roles: 'observe' }, { roles: 'managed' })).toEqual([]);
});

test('the policy is that of an agent that reads Consul', () => {
  const blind = reportOf('pg1', { shared: { kind: 'unread', why: 'no answer' } });
  expect(policyIn([blind, reportOf('pg2')])).toEqual(policy);
  expect(() => policyIn([blind])).toThrow('cannot be read: no answer');
});
