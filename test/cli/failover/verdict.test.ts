import { expect, test } from 'vitest';
import {
  eventGraceMs,
  isStanding,
  Patience,
  verdictOf,
  type Watched,
} from '../../../cli/failover/verdict.js';
import { eventOf, reportOf, sharedOf, switchover } from './reports.js';

const watched: Watched = {
  order: switchover,
  epochBefore: 3,
  reports: [reportOf('pg1'), reportOf('pg2')],
  events: [],
  goneMs: undefined,
};
const moved = [reportOf('pg1', { shared: sharedOf('pg2', 4) })];

test.each<[string, Partial<Watched>, object]>([
  ['it stands', {}, { kind: 'going' }],
  ['an event of another order', { events: [eventOf('refused', { order: 'o0' })] }, { kind: 'going' }],
  ['promoted', { events: [eventOf('promoted')] }, { kind: 'done', epoch: 4 }],
  ['refused', { events: [eventOf('refused', { cause: 'it lags' })] }, { kind: 'refused', why: 'it lags' }],
  ['given up', { events: [eventOf('gave-up', { cause: 'lost' })] }, { kind: 'failed', why: 'lost' }],
  [
    'given up and done all the same',
    { events: [eventOf('gave-up'), eventOf('promoted')] },
    { kind: 'done', epoch: 4 },
  ],
  ['gone a moment ago', { goneMs: eventGraceMs - 1, reports: moved }, { kind: 'going' }],
  ['gone, and the record tells', { goneMs: eventGraceMs, reports: moved }, { kind: 'done', epoch: 4 }],
  [
    'gone, and nothing has come of it',
    { goneMs: eventGraceMs },
    { kind: 'failed', why: 'the order is gone, and pg1 is the primary: it was taken back or given up' },
  ],
  [
    'the record names the target since before',
    { goneMs: eventGraceMs, reports: moved, epochBefore: 4 },
    { kind: 'failed' },
  ],
  [
    'a rejoin that follows',
    { order: { kind: 'rejoin', id: 'o1', member: 'pg2', method: 'rewind' }, goneMs: eventGraceMs },
    { kind: 'done', epoch: 3 },
  ],
])('%s', (_name, more, expected) => {
  expect(verdictOf({ ...watched, ...more })).toMatchObject(expected);
});

test('whether an order stands is not known while Consul is read by none', () => {
  const blind = reportOf('pg1', { shared: { kind: 'unread', why: 'away' } });
  expect(isStanding([blind], 'o1')).toBeUndefined();
  expect(isStanding([blind, reportOf('pg2')], 'o1')).toBe(false);
  expect(isStanding([reportOf('pg2', { shared: sharedOf('pg1', 3, { order: switchover }) })], 'o1')).toBe(
    true,
  );
});

/** When it is over, if the member says these one after the other, each for so long in ms; asked every second. */
function endOf(said: readonly (readonly [row: string | undefined, ms: number])[]): number | undefined {
  const patience = new Patience('pg1', 0, { quietMs: 20_000, inAllMs: 600_000 });
  let nowMs = 0;
  for (const [row, ms] of said)
    for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 1_000) {
      const reports = row === undefined ? [] : [reportOf('pg1', { row, sentence: row })];
      if (patience.isOver([reportOf('pg2'), ...reports], nowMs)) return nowMs;
    }
  return undefined;
}

test.each<[string, Parameters<typeof endOf>[0], number | undefined]>([
  ['a rewind takes as long as its data needs', [['step-down', 90_000]], undefined],
  ['a rewind that never ends', [['step-down', 700_000]], 600_000],
  ['it waits for something', [['awaiting', 60_000]], 20_000],
  [
    'each step counts anew',
    [
      ['linger', 15_000],
      ['step-down', 40_000],
      ['rejoined', 15_000],
      ['follow', 15_000],
    ],
    undefined,
  ],
  [
    'it stays out',
    [
      ['step-down', 40_000],
      ['quarantined', 60_000],
    ],
    60_000,
  ],
  ['its agent does not answer', [[undefined, 60_000]], 20_000],
  [
    'its agent went silent during a rewind',
    [
      ['step-down', 40_000],
      [undefined, 60_000],
    ],
    59_000,
  ],
])('how long a member is waited for that is to follow: %s', (_name, said, overMs) => {
  expect(endOf(said)).toBe(overMs);
});
