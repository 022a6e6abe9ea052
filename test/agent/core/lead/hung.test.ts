import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import { emptyLedger, initialState, type KnownSelf } from '../../../../agent/core/lead/model.js';
import { configOf, observed, running, sharedOf } from './builders.js';

const decide = (self: KnownSelf) =>
  lead(
    { ...initialState, settledEpoch: 1 },
    observed({
      self,
      shared: sharedOf({ epoch: 1, names: ['pg1'] }, 's'),
      session: { kind: 'valid', id: 's' },
      ledger: { ...emptyLedger, epoch: 1, seenEpoch: 1, held: 1, holder: true, session: 's' },
      published: 'primary',
    }),
    configOf('pg1'),
  );

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
