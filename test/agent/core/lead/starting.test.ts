import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import {
  emptyLedger,
  initialState,
  type KnownSelf,
  type LeadObservation,
} from '../../../../agent/core/lead/model.js';

const history = { systemId: '1', timeline: 3, forks: [] };
const place = (port: number) => ({ address: '127.0.0.1', port });
const config = {
  member: 'pg2',
  members: new Map([
    ['pg1', place(1)],
    ['pg2', place(2)],
  ]),
  firstPolicy: {
    roles: 'managed',
    promotion: 'manual',
    durability: 'async',
    strict: false,
    paused: false,
  } as const,
  compare: () => 0,
  distance: () => 0,
  hasAllOf: () => true,
  maxLag: 0,
  isEligible: true,
};
const self: KnownSelf = {
  kind: 'known',
  managed: true,
  data: 'present',
  process: 'running',
  writable: true,
  gate: { kind: 'closed', proven: true },
  draining: false,
  busy: undefined,
  incarnation: 'new',
  origin: '1',
  history,
  position: undefined,
  statements: undefined,
  source: undefined,
  feeds: [],
  slots: [],
  replayPaused: false,
  checkpointed: true,
};
const seen = (more: Partial<KnownSelf>): LeadObservation => ({
  nowMs: 0,
  askedMs: 0,
  wallMs: 0,
  isServing: undefined,
  isStopping: false,
  self: { ...self, ...more },
  shared: {
    kind: 'read',
    leader: { index: 1, value: { member: 'pg1', epoch: 3 }, session: 's1' },
    epoch: { index: 1, value: 3 },
    record: {
      index: 1,
      value: { epoch: 3, durability: 'async', members: [{ name: 'pg1', incarnation: 'a' }], history },
    },
    policy: { index: 0, value: undefined },
    order: { index: 2, value: { kind: 'rejoin', id: 'o', member: 'pg2', method: 'basebackup' } },
  },
  session: { kind: 'none' },
  peers: new Map(),
  ledger: { ...emptyLedger, seenEpoch: 3, rejoining: 'old' },
  published: 'none',
  outcome: undefined,
});
const decided = (more: Partial<KnownSelf>) => lead(initialState, seen(more), config);

test('a base backup that starts has the control file of a primary: it is not rebuilt once more', () => {
  expect(decided({})).toMatchObject({ row: 'starting', action: undefined, wakeAtMs: 100 });
  expect(decided({ writable: false, statements: 0 })).toMatchObject({
    row: 'reinit-done',
    action: { kind: 'drop-order', id: 'o' },
  });
});

test('one that answers, and is writable, is rebuilt as ordered', () => {
  expect(decided({ statements: 0 }).row).toBe('reinit');
});
