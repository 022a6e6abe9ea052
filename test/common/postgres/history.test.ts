import { describe, expect, test } from 'vitest';
import { compareHistory, forksIn, type Fork, type History } from '../../../common/postgres/history.js';
import { parseLsn } from '../../../common/postgres/lsn.js';

const fork = (timeline: number, parent: number, lsn: string, mark?: string): Fork => ({
  timeline,
  parent,
  lsn,
  ...(mark === undefined ? {} : { mark }),
});
const history = (timeline: number, ...forks: Fork[]): History => ({ systemId: '7', timeline, forks });
const a2 = fork(2, 1, '0/3000000', 'a');
const b2 = fork(2, 1, '0/3000000', 'b');
const a3 = fork(3, 2, '0/5000000', 'a3');

/** D4: own, published, relation. */
test.each([
  ['never promoted, either of them', history(1), history(1), 'same'],
  ['another system', { ...history(1), systemId: '8' }, history(1), 'other-system'],
  ['the same promotion', history(2, a2), history(2, a2), 'same'],
  ['one number, two promotions at one place', history(2, b2), history(2, a2), 'other-history'],
  ['one number, two places', history(2, fork(2, 1, '0/3000100', 'a')), history(2, a2), 'other-history'],
  [
    'a member that cannot show its mark',
    history(2, fork(2, 1, '0/3000000')),
    history(2, a2),
    'other-history',
  ],
  ['a promotion from before all marks', history(2, a2), history(2, fork(2, 1, '0/3000000')), 'same'],
  [
    'the same, which neither has seen',
    history(2, fork(2, 1, '0/3000000')),
    history(2, fork(2, 1, '0/3000000')),
    'same',
  ],
  [
    'the same, at another place',
    history(2, fork(2, 1, '0/3000100')),
    history(2, fork(2, 1, '0/3000000')),
    'other-history',
  ],
  ['a standby of before', history(1), history(2, a2), 'behind'],
  ['two promotions before', history(1), history(3, a2, a3), 'behind'],
  // The number of the last fork alone would let this one pass.
  ['left at an earlier fork under the same number', history(2, b2), history(3, a2, a3), 'other-history'],
  ['the same up to the last fork', history(2, a2), history(3, a2, a3), 'behind'],
  ['promoted by hand, beside', history(2, a2), history(3, fork(3, 1, '0/4000000', 'c')), 'diverged'],
  ['promoted by hand, beyond', history(3, a2, a3), history(2, a2), 'diverged'],
] as const)('%s (D4)', (_, own, published, relation) => {
  expect(compareHistory(own, published).relation).toBe(relation);
});

test('behind: where the others left is where its own WAL would begin (D4)', () => {
  expect(compareHistory(history(1), history(3, a2, a3)).leftAt).toBe(parseLsn('0/3000000'));
  expect(compareHistory(history(2, a2), history(3, a2, a3)).leftAt).toBe(parseLsn('0/5000000'));
  expect(compareHistory(history(3, a2, a3), history(2, a2)).leftAt).toBe(parseLsn('0/5000000'));
});

describe('a timeline’s history file', () => {
  test('names parents, children and places', () => {
    const file = '1\t0/3000000\tno recovery target specified\n\n2\t0/50000a0\tno recovery target specified\n';
    expect(forksIn(file, 3)).toEqual([fork(2, 1, '0/3000000'), fork(3, 2, '0/50000A0')]);
    expect(forksIn('1\t0/3000000\tx\n', 4)).toEqual([fork(4, 1, '0/3000000')]);
    expect(forksIn('', 1)).toEqual([]);
  });
});
