import { expect, test } from 'vitest';
import { lead } from '../../../../agent/core/lead/decide.js';
import { emptyLedger, initialState } from '../../../../agent/core/lead/model.js';
import { lingerMs, settleMs } from '../../../../agent/core/lead/view.js';
import { configOf, observed, policy, running, sharedOf } from './builders.js';

const auto = { ...policy, promotion: 'auto', durability: 'sync' } as const;

const nowMs = 100_000;

/** pg1 led epoch 1 and has handed over behind its gate; pg2 has just been promoted. */
const rowOf = (
  isStopping: boolean,
  process: 'running' | 'stopped',
  sinceMs = lingerMs,
  statements: number | 'unknown' = 0,
) =>
  lead(
    { ...initialState, demotedMs: nowMs - sinceMs },
    observed({
      nowMs,
      isStopping,
      self: {
        ...running(true),
        gate: { kind: 'closed', proven: true },
        process,
        statements: statements === 'unknown' ? undefined : statements,
      },
      shared: sharedOf({ epoch: 2, names: ['pg2'], policy: auto }, 's2'),
      session: { kind: 'valid', id: 's1' },
      ledger: { ...emptyLedger, epoch: 1, seenEpoch: 2, held: 1, holder: true, session: 's1' },
    }),
    configOf('pg1'),
  ).row;

test('a primary that has handed over is rewound; one that is being stopped is left to whoever stops it', () => {
  expect(rowOf(false, 'running')).toBe('step-down');
  expect(rowOf(true, 'running')).toBe('linger');
  expect(rowOf(false, 'stopped')).toBe('stopped');
});

test.each([
  [0, 0, 'linger'],
  [settleMs - 1, 0, 'linger'],
  [settleMs, 0, 'step-down'],
  [settleMs, 1, 'linger'],
  [settleMs, 'unknown', 'linger'],
  [lingerMs, 1, 'step-down'],
] as const)('%s ms after another was promoted, with %s statements: %s', (sinceMs, statements, row) => {
  expect(rowOf(false, 'running', sinceMs, statements)).toBe(row);
});
