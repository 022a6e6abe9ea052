import { expect, test } from 'vitest';
import { emptyLedger, type LeadAction, type Outcome } from '../../../../agent/core/lead/model.js';
import { mayReuse, reuseMs, type Servers } from '../../../../agent/core/lead/reuse.js';

const servers: Servers = { self: { kind: 'unknown', why: 'a test' }, peers: new Map(), askedMs: 1_000 };
const done = (action: LeadAction): Outcome => ({ kind: 'done', action });
const remember: LeadAction = { kind: 'remember', ledger: emptyLedger };

test.each<[string, Outcome | undefined, number, boolean]>([
  ['what was written to this disk', done(remember), 1_050, true],
  ['a confirmed lease', done({ kind: 'confirm' }), 1_000 + reuseMs, true],
  ['too old', done(remember), 1_001 + reuseMs, false],
  ['an order of the keeper’s', done({ kind: 'hold-gate' }), 1_050, false],
  ['a server that was started', done({ kind: 'start-process' }), 1_050, false],
  ['a session that was ended', done({ kind: 'end-session', session: 's' }), 1_050, false],
  ['a failure', { kind: 'failed', action: remember, why: 'a test' }, 1_050, false],
  ['nothing done', undefined, 1_050, false],
])('servers need not be looked at again after %s', (_name, outcome, nowMs, expected) => {
  expect(mayReuse(servers, outcome, nowMs)).toBe(expected);
});

test('there is nothing to use again at first', () => {
  expect(mayReuse(undefined, done(remember), 0)).toBe(false);
});
