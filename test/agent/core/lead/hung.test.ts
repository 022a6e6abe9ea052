import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import {
  emptyLedger,
  initialState,
  type KnownSelf,
  type LeadConfig,
  type LeadObservation,
} from '../../../../agent/core/lead/model.js';
import { history, place, policy, running } from './builders.js';

const config: LeadConfig = {
  member: 'pg1',
  members: new Map([
    ['pg1', place],
    ['pg2', place],
  ]),
  firstPolicy: policy,
  compare: () => 0,
  distance: () => 0,
  hasAllOf: () => true,
  maxLag: 0,
  isEligible: true,
};
const keyed = <T>(value: T) => ({ index: 1, value });
const look = (self: KnownSelf): LeadObservation => ({
  nowMs: 0,
  askedMs: 0,
  wallMs: 0,
  isServing: true,
  isStopping: false,
  self,
  shared: {
    kind: 'read',
    leader: { ...keyed({ member: 'pg1', epoch: 1 }), session: 's' },
    epoch: keyed(1),
    record: keyed({ epoch: 1, durability: 'async', members: [{ name: 'pg1', incarnation: 'a' }], history }),
    policy: keyed(policy),
    order: { index: 0, value: undefined },
  },
  session: { kind: 'valid', id: 's' },
  peers: new Map(),
  ledger: { ...emptyLedger, epoch: 1, seenEpoch: 1, held: 1, holder: true, session: 's' },
  published: 'primary',
  outcome: undefined,
});
const decide = (self: KnownSelf) => lead({ ...initialState, settledEpoch: 1 }, look(self), config);

test('slots that are missing are made', () => {
  expect(decide(running(true))).toMatchObject({
    row: 'slots',
    action: { kind: 'keep-slots', members: ['pg2'] },
  });
});

test('of a Postgres that does not answer no slot is known to be missing: nothing is ordered that would wait for it', () => {
  const hung = decide({ ...running(true), position: undefined, statements: undefined });
  expect(hung.action).toBeUndefined();
  expect(hung).toMatchObject({
    row: 'holder',
    sentence: expect.stringContaining('does not answer') as string,
  });
});
