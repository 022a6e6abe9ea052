import { expect, test } from 'vitest';
import { eventOf } from '../../../../agent/core/lead/events.js';
import type { LeadAction, Outcome, ReadShared } from '../../../../agent/core/lead/model.js';
import { eventFormat } from '../../../../common/failover/values.js';

const history = { systemId: '1', timeline: 4, forks: [] };
const record = {
  epoch: 3,
  durability: 'async',
  members: [{ name: 'pg1', incarnation: 'a' }],
  history,
} as const;
const shared: ReadShared = {
  kind: 'read',
  leader: { index: 1, value: { member: 'pg1', epoch: 3 }, session: 's' },
  epoch: { index: 1, value: 3 },
  record: { index: 1, value: { ...record, members: [...record.members] } },
  policy: { index: 0, value: undefined },
  order: { index: 5, value: { kind: 'switchover', id: 'o1', from: 'pg1', to: 'pg2', handedOver: false } },
};
const from = { address: '127.0.0.1', port: 5432, history };

function told(action: LeadAction, row: string, more: Partial<Extract<Outcome, { kind: 'done' }>> = {}) {
  const outcome: Outcome = { kind: 'done', action, ...more };
  return eventOf({ member: 'pg2', decision: { row, sentence: 'because' }, outcome, shared });
}

test.each<[string, LeadAction, string, object]>([
  [
    'a promotion',
    {
      kind: 'write-record',
      record: { ...record, epoch: 4, members: [{ name: 'pg2', incarnation: 'b' }] },
      isOrderDone: true,
      isRecordLost: false,
    },
    'record-promotion',
    { kind: 'promoted', epoch: 4, order: 'o1', rule: 'record-promotion', cause: 'because' },
  ],
  [
    'a hand-over',
    { kind: 'release', released: { fenced: false, position: '4/0/9' }, handOver: true },
    'hand-over',
    { kind: 'handed-over', epoch: 3, evidence: 'written up to 4/0/9' },
  ],
  [
    'a refusal',
    { kind: 'drop-order', id: 'o1', why: 'pg2 lags' },
    'order-refused',
    { kind: 'refused', cause: 'pg2 lags' },
  ],
  [
    'giving up',
    { kind: 'drop-order', id: 'o1', why: 'too slow' },
    'too-slow',
    { kind: 'gave-up', cause: 'too slow' },
  ],
  ['a fence', { kind: 'fence' }, 'fence-newer', { kind: 'demoted' }],
])('%s', (_, action, row, expected) => {
  const event = told(action, row);
  expect(event).toMatchObject(expected);
  // What is written can be read again.
  expect(() => eventFormat.print({ id: '1-pg2', atMs: 1, ...event! })).not.toThrow();
});

test('WAL that only this member had: how much, and where', () => {
  const kept = { folder: '/var/lib/kept', bytes: 4_096 };
  expect(told({ kind: 'rejoin', method: 'rewind', from }, 'diverged', { kept })).toMatchObject({
    kind: 'rejoined',
    bytes: 4_096,
    evidence: expect.stringContaining('/var/lib/kept') as string,
  });
});

test('what failed, and what changes nothing for others, is not history', () => {
  expect(told({ kind: 'close-gate' }, 'hold')).toBeUndefined();
  expect(told({ kind: 'drop-order', id: 'o1', why: 'carried out' }, 'reinit-done')).toBeUndefined();
  const failed: Outcome = { kind: 'failed', action: { kind: 'fence' }, why: 'x' };
  expect(
    eventOf({ member: 'pg2', decision: { row: 'r', sentence: 's' }, outcome: failed, shared }),
  ).toBeUndefined();
});
