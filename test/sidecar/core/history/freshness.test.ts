import { describe, expect, test } from 'vitest';
import {
  both,
  learnt,
  needOf,
  noWork,
  oneMore,
  verdict,
  type Need,
  type OwnWork,
} from '../../../../sidecar/core/history/freshness.js';
import { endOfRecords, includes, type Position } from '../../../../sidecar/core/history/position.js';
import { fails, found, member, play, primary, replica, says } from '../story.js';

const at = (lsn: bigint, timeline = 1, systemId = 'sys'): Position => ({ systemId, timeline, lsn });
const upTo = (position: Position): Need => ({ kind: 'position', position });
const anything: Need = { kind: 'anything' };
const newest: Need = { kind: 'newest' };

const both2 = [says('primary', found('a')), says('replica', found('b')), primary('a'), replica('b')];
const readWrite = play(both2).state;
const readOnly = play([...both2, fails('a', 'refused')]).state;
/** b was promoted: the timeline is 2. */
const promoted = play([...both2, fails('a', 'refused'), primary('b', 2)]).state;
/** Started without a primary: no epoch was ever heard. */
const never = play([
  says('primary', found('a')),
  says('replica', found('b')),
  fails('a', 'refused'),
  replica('b'),
]);

describe('what a read needs to see all that this process has done', () => {
  const done = (ended: number, known: OwnWork['known'] = null): OwnWork => ({ ended, known });
  const known = (covers: number, position = at(100n)) => ({ position, covers });
  test.each([
    ['nothing was done', noWork, readWrite, anything],
    ['something was done, and nobody was asked yet', done(1), readWrite, { kind: 'ask' }],
    ['all was done before the answer', done(3, known(3)), readWrite, upTo(at(100n))],
    ['something was done since', done(4, known(3)), readWrite, { kind: 'ask' }],
    ['another primary has taken over', done(3, known(3)), promoted, { kind: 'ask' }],
    ['no primary, and all is known', done(3, known(3)), readOnly, upTo(at(100n))],
    ['no primary, and not all is known', done(4, known(3)), readOnly, upTo(at(100n))],
    ['no primary, and nothing is known', done(4), readOnly, newest],
    [
      'no primary, and what is known is of another history',
      done(4, known(3, at(1n, 1, 'old'))),
      readOnly,
      newest,
    ],
  ])('%s', (_, work, state, need) => {
    expect(needOf(work, state)).toEqual(need);
  });

  test('an answer covers what had ended when it was asked for, not what ends meanwhile', () => {
    const asked = oneMore(oneMore(noWork));
    const work = learnt(oneMore(asked), at(100n), asked.ended);
    expect(needOf(work, readWrite)).toEqual({ kind: 'ask' });
    expect(needOf(learnt(work, at(120n), 3), readWrite)).toEqual(upTo(at(120n)));
  });
  test('no answer, and one that was overtaken, change nothing', () => {
    const work = done(3, known(3));
    expect(learnt(work, null, 3)).toBe(work);
    expect(learnt(work, at(90n), 2)).toBe(work);
  });
});

describe('who may serve', () => {
  test.each([
    ['the primary, whatever is needed', readWrite, 'a', null, newest, 'serves'],
    ['the primary, for a history nobody knows', readWrite, 'a', null, upTo(at(1n, 9)), 'serves'],
    ['a replica, when nothing is needed', readWrite, 'b', null, anything, 'serves'],
    ['a replica that has just arrived', readWrite, 'b', at(100n), upTo(at(100n)), 'serves'],
    ['a replica that is past it', readWrite, 'b', at(101n), upTo(at(100n)), 'serves'],
    ['a replica one byte short', readWrite, 'b', at(99n), upTo(at(100n)), 'later'],
    ['a replica that did not say yet', readWrite, 'b', null, upTo(at(100n)), 'later'],
    ['a replica of another timeline', readWrite, 'b', at(500n, 2), upTo(at(100n)), 'never'],
    ['a replica that was left behind by a promotion', promoted, 'c', at(500n), upTo(at(100n, 2)), 'never'],
    ['a replica of another system', readWrite, 'b', at(500n, 1, 'x'), upTo(at(100n)), 'never'],
    ['not a replica, when nobody knows what is needed', readWrite, 'b', at(500n), newest, 'never'],
    ['a lost timeline', promoted, 'c', at(500n), upTo(at(100n)), 'never'],
    ['a timeline nobody here has heard of', readWrite, 'b', at(500n, 7), upTo(at(1n, 7)), 'never'],
    ['another system', readWrite, 'b', at(500n), upTo(at(1n, 1, 'x')), 'never'],
    ['no primary: not yet', readOnly, 'b', at(99n), upTo(at(100n)), 'later'],
    ['no primary: arrived', readOnly, 'b', at(100n), upTo(at(100n)), 'serves'],
    ['no primary: whoever there is', readOnly, 'b', at(1n), newest, 'serves'],
    ['no primary: a lost timeline is not waited for', readOnly, 'b', at(1n), upTo(at(100n, 9)), 'serves'],
    ['no primary ever: the replica knows its own', never.state, 'b', at(100n), upTo(at(100n)), 'serves'],
  ] as const)('%s', (_, state, name, position, need, expected) => {
    expect(verdict(state, member(name), position, need)).toBe(expected);
  });
});

describe('two needs', () => {
  test.each([
    [anything, anything, anything],
    [anything, newest, newest],
    [upTo(at(1n)), anything, upTo(at(1n))],
    [upTo(at(1n)), newest, newest],
    [upTo(at(1n)), upTo(at(2n)), upTo(at(2n))],
    [upTo(at(5n, 1)), upTo(at(2n, 2)), newest],
    [upTo(at(5n, 1, 'x')), upTo(at(2n)), newest],
  ])('%o and %o', (a, b, expected) => {
    expect(both(a, b)).toEqual(expected);
    expect(both(b, a)).toEqual(expected);
  });
});

describe('positions', () => {
  test('nobody who has not said where he is includes anything', () => {
    expect(includes(null, at(0n))).toBe(false);
  });
  const page = 8_192n;
  const file = 16n * 1024n * 1024n;
  test.each([
    ['in the middle of a page', file + 5_000n, file + 5_000n],
    ['right after the header of a page', file + 3n * page + 24n, file + 3n * page],
    ['right after the header of a file', 2n * file + 40n, 2n * file],
    ['40 bytes into a page that does not begin a file', file + 3n * page + 40n, file + 3n * page + 40n],
  ])('the end of the last record: %s', (_, insertAt, end) => {
    expect(endOfRecords(insertAt, Number(insertAt % file))).toBe(end);
  });
});
