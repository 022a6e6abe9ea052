import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import { emptyLedger, initialState, type KnownSelf } from '../../../../agent/core/lead/model.js';
import { configOf, observed, running, sharedOf } from './builders.js';

/** Rebuilt from pg1 on an order, and behind its gate. */
const self: KnownSelf = {
  ...running(true),
  gate: { kind: 'closed', proven: true },
  incarnation: 'new',
  position: undefined,
  statements: undefined,
};
const seen = (more: Partial<KnownSelf>) =>
  observed({
    isServing: undefined,
    self: { ...self, ...more },
    shared: {
      ...sharedOf({ epoch: 3, names: ['pg1'] }, 's1'),
      order: { index: 2, value: { kind: 'rejoin', id: 'o', member: 'pg2', method: 'basebackup' } },
    },
    session: { kind: 'none' },
    ledger: { ...emptyLedger, seenEpoch: 3, rejoining: 'old' },
  });
const decided = (more: Partial<KnownSelf>) => lead(initialState, seen(more), configOf('pg2'));

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
