import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import { emptyLedger, initialState, type LeadConfig } from '../../../../agent/core/lead/model.js';
import { history, policy, running } from './builders.js';

const places = ['pg1', 'pg2'].map((name, i) => [name, { address: `10.0.0.${i + 1}`, port: 5432 }] as const);
const config: LeadConfig = {
  member: 'pg1',
  members: new Map(places),
  firstPolicy: policy,
  compare: () => 0,
  distance: () => 0,
  hasAllOf: () => true,
  maxLag: 0,
  isEligible: true,
};
const keyed = <T>(value: T) => ({ index: 1, value });

/** pg1 led epoch 1; pg2 has just been promoted. */
const rowOf = (isStopping: boolean, process: 'running' | 'stopped') =>
  lead(
    initialState,
    {
      nowMs: 0,
      askedMs: 0,
      wallMs: 0,
      isServing: true,
      isStopping,
      // Behind its gate, as a hand-over leaves it.
      self: { ...running(true), gate: { kind: 'closed', proven: true }, process },
      shared: {
        kind: 'read',
        leader: { ...keyed({ member: 'pg2', epoch: 2 }), session: 's2' },
        epoch: keyed(2),
        record: keyed({
          epoch: 2,
          durability: 'sync',
          members: [{ name: 'pg2', incarnation: 'b' }],
          history,
        }),
        policy: keyed({ ...policy, promotion: 'auto', durability: 'sync' }),
        order: { index: 0, value: undefined },
      },
      session: { kind: 'valid', id: 's1' },
      peers: new Map(),
      ledger: { ...emptyLedger, epoch: 1, seenEpoch: 2, held: 1, holder: true, session: 's1' },
      published: 'none',
      outcome: undefined,
    },
    config,
  ).row;

test('a primary that has handed over is rewound; one that is being stopped is left to whoever stops it', () => {
  expect(rowOf(false, 'running')).toBe('step-down');
  expect(rowOf(true, 'running')).toBe('linger');
  expect(rowOf(false, 'stopped')).toBe('stopped');
});
