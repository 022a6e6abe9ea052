import { expect, test } from 'vitest';
import type { LeadAction, LeadObservation } from '../../../../agent/core/lead/model.js';
import { initialState } from '../../../../agent/core/lead/model.js';
import { learn } from '../../../../agent/core/lead/state.js';

const from = { address: '10.0.0.2', port: 5432, history: { systemId: '7', timeline: 3, forks: [] } };
const learnt = (action: LeadAction, reason: string) =>
  learn(initialState, {
    nowMs: 0,
    self: { kind: 'unknown', why: 'not looked at' },
    shared: { kind: 'unread', why: 'not read' },
    outcome: { kind: 'refused', action, why: 'because', reason },
  } as unknown as LeadObservation).cannotFollow?.reason;

test('two histories under one number: a writable member, which is rewound at once, learns it too, and is replaced (D4)', () => {
  expect(learnt({ kind: 'follow', from }, 'other-history')).toBe('other-history');
  expect(learnt({ kind: 'rejoin', method: 'rewind', from }, 'other-history')).toBe('other-history');
  expect(learnt({ kind: 'rejoin', method: 'basebackup', from }, 'other-history')).toBeUndefined();
});

test('a rewind that is refused for now is tried again', () => {
  expect(learnt({ kind: 'rejoin', method: 'rewind', from }, 'source-not-ready')).toBeUndefined();
});
