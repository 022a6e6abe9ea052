import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import { emptyLedger, initialState, type KnownSelf } from '../../../../agent/core/lead/model.js';
import { configOf, observed, running, sharedOf } from './builders.js';

/** pg1 wrote epoch 2 and leads; a backup of Consul shows epoch 1, and pg2 is writable too. Looks of pg1, each at its time. */
function looks(pg2: readonly (readonly [atMs: number, gate: KnownSelf['gate']])[]) {
  let state = initialState;
  return pg2.map(([nowMs, gate]) => {
    const decision = lead(
      state,
      observed({
        nowMs,
        askedMs: nowMs,
        self: running(true),
        shared: sharedOf({ epoch: 1, names: ['pg1'] }, 's'),
        session: { kind: 'valid', id: 's' },
        ledger: { ...emptyLedger, epoch: 2, seenEpoch: 2, held: 2, holder: true, session: 's' },
        peers: new Map([
          ['pg2', { kind: 'known', self: { ...running(true), gate }, epoch: 2, eligible: { ok: true } }],
        ]),
      }),
      configOf('pg1'),
    );
    state = decision.state;
    return decision.row;
  });
}
const shut = { kind: 'closed', proven: true } as const;
const unsure = { kind: 'closed', proven: false } as const;
const open = { kind: 'open', proven: true } as const;

test('the primary writes its record again beside a member that was promoted by hand, once that has stayed behind its gate', () => {
  expect(
    looks([
      [0, shut],
      [4_900, shut],
      [5_000, shut],
    ]),
  ).toEqual(['epoch-behind', 'epoch-behind', 'first-record']);
});

test('not beside one that may acknowledge, or has been about to', () => {
  expect(
    looks([
      [0, shut],
      [4_000, open],
      [5_000, shut],
      [9_900, unsure],
      [10_000, shut],
      [14_900, shut],
    ]),
  ).toEqual(Array(6).fill('epoch-behind'));
});
