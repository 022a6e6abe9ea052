import { expect, test } from 'vitest';
import type { Health, ProbeResult } from '../../../agent/core/model.js';
import { healthAfter, roleOf } from '../../../agent/core/health.js';
import type { Observation } from '../../../agent/core/model.js';
import { down, facts, full, late, model, observation, passing, unseen } from '../builders.js';

const known = (health: Health, missesInARow = 0) => ({ health, missesInARow, probedMs: undefined });
const nextHealth = (health: Health, seen: Observation) => healthAfter(known(health), seen, model).health;

const primary: Health = { kind: 'passing', facts: facts('primary', { lsn: '0/1' }), sinceMs: 10 };

test('a newer probe replaces the figures and keeps the date', () => {
  const probe = { kind: 'passing', facts: facts('primary', { lsn: '0/2' }) } as const;
  expect(nextHealth(primary, observation({ probe, wallMs: 99 }))).toEqual({
    kind: 'passing',
    facts: facts('primary', { lsn: '0/2' }),
    sinceMs: 10,
  });
});

test.each([
  ['another role', primary, passing('replica'), 99],
  ['going down', primary, down, 99],
  ['another trouble while down', nextHealth(primary, observation({ probe: down, wallMs: 50 })), down, 50],
  ['no longer judged', primary, full, 99],
])('since: %s', (_, state, probe, sinceMs) => {
  expect(nextHealth(state, observation({ probe, wallMs: 99 }))).toMatchObject({ sinceMs });
});

test('the role outlives being down and not being judged, in any order', () => {
  const story = [down, full, down, full].reduce<Health>(
    (state, probe) => nextHealth(state, observation({ probe })),
    primary,
  );
  expect(roleOf(story)).toBe('primary');
});

test('a spell in which it could not be judged does not make it younger', () => {
  const unjudged = nextHealth(primary, observation({ probe: full, wallMs: 50 }));
  expect(nextHealth(unjudged, observation({ wallMs: 99 }))).toMatchObject({ kind: 'passing', sinceMs: 10 });
  expect(nextHealth(unjudged, observation({ probe: down, wallMs: 99 }))).toMatchObject({ sinceMs: 99 });
});

test('a restart of the agent keeps the date when it finds what was remembered', () => {
  const remembered = { kind: 'passing', role: 'primary', sinceMs: 5 } as const;
  const before: Health = { kind: 'unseen', remembered };
  expect(nextHealth(before, observation({ wallMs: 99 }))).toMatchObject({ sinceMs: 5 });
  expect(nextHealth(before, observation({ wallMs: 99, probe: passing('replica') }))).toMatchObject({
    sinceMs: 99,
  });
  expect(nextHealth(unseen, observation({ wallMs: 99 }))).toMatchObject({ sinceMs: 99 });
});

const patient = { missesToBelieve: 2 };
const replica: Health = { kind: 'passing', facts: facts('replica'), sinceMs: 10 };
const gone: Health = { kind: 'critical', trouble: { kind: 'closed' }, role: 'replica', sinceMs: 10 };

test.each<[string, Health, ProbeResult, number, Health['kind']]>([
  ['one missed deadline', replica, late, 0, 'passing'],
  ['a second in a row', replica, late, 1, 'critical'],
  ['a connection refused', replica, down, 0, 'critical'],
  ['one missed deadline right after the start', unseen, late, 0, 'unseen'],
  ['a second right after the start', unseen, late, 1, 'critical'],
  ['one missed deadline while down', gone, late, 0, 'critical'],
])('two misses are needed: %s', (_, health, probe, missesBefore, kind) => {
  expect(healthAfter(known(health, missesBefore), observation({ probe }), patient).health.kind).toBe(kind);
});

test('misses are counted in the state, once for each probe, and any answer ends the row', () => {
  const count = (before: number, probe: ProbeResult | undefined) =>
    healthAfter(known(replica, before), observation({ probe }), patient).missesInARow;
  expect(count(0, late)).toBe(1);
  expect(count(1, late)).toBe(2);
  expect(count(1, undefined)).toBe(1);
  expect(count(1, passing('replica'))).toBe(0);
  expect(count(1, down)).toBe(0);
});

test('one miss is enough where nothing is gained by waiting', () => {
  expect(nextHealth(replica, observation({ probe: late })).kind).toBe('critical');
});
