import { expect, test } from 'vitest';
import type { Action } from '../../../agent/core/model.js';
import type { Outcome } from '../../../agent/core/publish/attempt.js';
import { freshPublishing, publishingAfter, type Publishing } from '../../../agent/core/publish/publishing.js';

const update: Action = { kind: 'update-check', id: 'pg@pg1', status: 'passing', text: 'well' };
const forbidden: Outcome = { kind: 'failed', trouble: 'forbidden', why: 'the token may not do that' };

function after(
  before: Publishing,
  outcome: Outcome,
  more: { nowMs?: number; isConsulSettling?: boolean } = {},
) {
  return publishingAfter(before, {
    nowMs: 0,
    attempt: { action: update, askedMs: 0, outcome },
    isConsulSettling: false,
    hasNewToken: false,
    ...more,
  });
}

test('the first no is tried again at once, the next ones after pauses that double, up to 10 s', () => {
  let state = freshPublishing;
  const pauses: number[] = [];
  for (let count = 0; count < 8; count++) {
    state = after(state, forbidden);
    pauses.push(state.notBeforeMs);
  }
  expect(pauses).toEqual([-Infinity, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
  expect(state.complaint).toBe('the token may not do that');
});

test('what was done ends the row', () => {
  expect(after({ refusals: 3, notBeforeMs: 9, complaint: 'no' }, { kind: 'done' })).toEqual(freshPublishing);
});

test.each<Outcome>([
  { kind: 'timed-out', why: 'x' },
  { kind: 'unconfirmed', why: 'x' },
  { kind: 'failed', trouble: 'refused', why: 'x' },
  { kind: 'failed', trouble: 'unreachable', why: 'x' },
])('no answer is no refusal: $kind', (outcome) => {
  expect(after(freshPublishing, outcome)).toEqual(freshPublishing);
});

test('the no of a Consul that has just come back is nothing to complain of', () => {
  const once = after(freshPublishing, forbidden, { isConsulSettling: true });
  const twice = after(once, forbidden, { isConsulSettling: true, nowMs: 100 });
  expect(twice).toEqual({ refusals: 2, notBeforeMs: 600, complaint: undefined });
});

test('another token ends the pause', () => {
  const paused = { refusals: 5, notBeforeMs: 9_000, complaint: 'no' };
  const seen = { nowMs: 0, attempt: undefined, isConsulSettling: false };
  expect(publishingAfter(paused, { ...seen, hasNewToken: false }).notBeforeMs).toBe(9_000);
  expect(publishingAfter(paused, { ...seen, hasNewToken: true }).notBeforeMs).toBe(-Infinity);
});
