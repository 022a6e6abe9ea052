import { expect, test } from 'vitest';
import type { ServiceState } from '../../../agent/core/model.js';
import { nextState as next, roleOf } from '../../../agent/core/state.js';
import type { Observation } from '../../../agent/core/model.js';
import { down, facts, full, late, model, observation, passing, unseen } from '../builders.js';

const nextState = (state: ServiceState, seen: Observation) => next(state, seen, model);

const primary: ServiceState = { kind: 'passing', facts: facts('primary', { lsn: '0/1' }), sinceMs: 10 };

test('a newer probe replaces the figures and keeps the date', () => {
  const probe = { kind: 'passing', facts: facts('primary', { lsn: '0/2' }) } as const;
  expect(nextState(primary, observation({ probe, wallMs: 99 }))).toEqual({
    kind: 'passing',
    facts: facts('primary', { lsn: '0/2' }),
    sinceMs: 10,
  });
});

test.each([
  ['another role', primary, passing('replica'), 99],
  ['going down', primary, down, 99],
  ['another trouble while down', nextState(primary, observation({ probe: down, wallMs: 50 })), down, 50],
  ['no longer judged', primary, full, 99],
])('since: %s', (_, state, probe, sinceMs) => {
  expect(nextState(state, observation({ probe, wallMs: 99 }))).toMatchObject({ sinceMs });
});

test('the role outlives being down and not being judged, in any order', () => {
  const story = [down, full, down, full].reduce<ServiceState>(
    (state, probe) => nextState(state, observation({ probe })),
    primary,
  );
  expect(roleOf(story)).toBe('primary');
});

test('a spell in which it could not be judged does not make it younger', () => {
  const unjudged = nextState(primary, observation({ probe: full, wallMs: 50 }));
  expect(nextState(unjudged, observation({ wallMs: 99 }))).toMatchObject({ kind: 'passing', sinceMs: 10 });
  expect(nextState(unjudged, observation({ probe: down, wallMs: 99 }))).toMatchObject({ sinceMs: 99 });
});

test('a restart of the agent keeps the date when it finds what was remembered', () => {
  const remembered = { kind: 'passing', role: 'primary', sinceMs: 5 } as const;
  const before: ServiceState = { kind: 'unseen', remembered };
  expect(nextState(before, observation({ wallMs: 99 }))).toMatchObject({ sinceMs: 5 });
  expect(nextState(before, observation({ wallMs: 99, probe: passing('replica') }))).toMatchObject({
    sinceMs: 99,
  });
  expect(nextState(unseen, observation({ wallMs: 99 }))).toMatchObject({ sinceMs: 99 });
});

const patient = { missesToBelieve: 2 };
const replica: ServiceState = { kind: 'passing', facts: facts('replica'), sinceMs: 10 };
const gone: ServiceState = { kind: 'critical', trouble: { kind: 'closed' }, role: 'replica', sinceMs: 10 };

test.each<[string, ServiceState, Partial<Observation>, ServiceState['kind']]>([
  ['one missed deadline', replica, { probe: late, missesInARow: 1 }, 'passing'],
  ['a second in a row', replica, { probe: late, missesInARow: 2 }, 'critical'],
  ['a connection refused', replica, { probe: down, missesInARow: 0 }, 'critical'],
  ['one missed deadline right after the start', unseen, { probe: late, missesInARow: 1 }, 'unseen'],
  ['a second right after the start', unseen, { probe: late, missesInARow: 2 }, 'critical'],
  ['one missed deadline while down', gone, { probe: late, missesInARow: 1 }, 'critical'],
])('two misses are needed: %s', (_, state, seen, kind) => {
  expect(next(state, observation(seen), patient).kind).toBe(kind);
});

test('one miss is enough where nothing is gained by waiting', () => {
  expect(nextState(replica, observation({ probe: late, missesInARow: 1 })).kind).toBe('critical');
});
