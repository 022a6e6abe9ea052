import { describe, expect, test } from 'vitest';
import { mostFollowed } from '../../../../sidecar/core/members/seats.js';
import type { Event } from '../../../../sidecar/core/model.js';
import { account } from '../../../../sidecar/core/words/remarks.js';
import { Pace } from '../../../../sidecar/postgres/proof/pace.js';
import { empty, fails, found, play, primary, says, tick } from '../story.js';

const many = (count: number, prefix = 'm') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
const followed = (events: readonly (Event | number)[]) =>
  [...play(events).state.members.values()].map(({ target }) => target.host);
const refused = (names: readonly string[]) => names.map((name) => fails(name, 'refused'));

describe('how many are followed', () => {
  const all = [says('primary', found(...many(500), 'good'))];

  test('no more than 64, those that prove themselves and those that were listed first', () => {
    expect(followed(all)).toEqual(many(mostFollowed));
    const proven = [says('primary', found('a')), primary('a'), says('primary', found(...many(500))), tick];
    expect(followed(proven)).toEqual(['a', ...many(mostFollowed - 1)]);
  });

  test('who does not answer gives its place to the next, until one is good, and that one stays', () => {
    const story: Event[] = [...all];
    let rounds = 0;
    for (; !followed(story).includes('good'); rounds++) {
      expect(rounds).toBeLessThan(9);
      story.push(...refused(followed(story)), tick);
    }
    story.push(primary('good'));
    for (let round = 0; round < 9; round++) {
      story.push(...refused(followed(story).filter((name) => name !== 'good')), tick);
      const { state } = play(story);
      expect([state.members.size, state.waiting.size, state.writer?.host]).toEqual([64, 501 - 64, 'good']);
    }
    expect(account(play(story).state)).toMatch(/; 437 more are listed than the 64 that are followed$/);
  });

  test('other addresses in each answer: nothing is kept of those before', () => {
    const answers = many(20).map((prefix) => says('primary', found(...many(500, `${prefix}-`))));
    const { state } = play([...answers, tick]);
    expect([state.members.size, state.waiting.size]).toEqual([64, 500 - 64]);
    expect([...state.members.values()].every(({ target }) => target.host.startsWith('m19-'))).toBe(true);
  });

  test('who left the list and never proved itself is forgotten at once', () => {
    const { state, effects } = play([
      says('primary', found('a', 'b')),
      primary('a'),
      says('primary', found('a')),
    ]);
    expect([...state.members.keys()]).toEqual(['a:5432']);
    expect(effects.map((effect) => effect.do)).toContain('unwatch');
  });

  test.each<[string, readonly Event[], readonly string[]]>([
    ['not when nobody is listed any more', [says('primary', found('a')), says('primary', empty)], ['a']],
    [
      'not when it is remembered',
      [says('primary', found('a'), 'cache'), says('primary', empty), says('replica', found('b'))],
      ['a', 'b'],
    ],
    [
      'not when it has proved itself',
      [says('primary', found('a', 'b')), primary('b'), fails('b', 'refused'), says('primary', found('a'))],
      ['a', 'b'],
    ],
  ])('%s', (_, events, expected) => {
    expect(followed(events)).toEqual(expected);
  });
});

test('messages name five members at most', () => {
  const names = many(20);
  const { state } = play([
    says('primary', found(...names)),
    ...names.map((name): Event => ({
      ...(fails(name, 'refused') as Event & { type: 'failed' }),
      trouble: { kind: 'rejected', code: '28P01' },
    })),
  ]);
  expect(account(state)).toBe(
    `none of 20 known members lets us in (${names
      .slice(0, 5)
      .map((name) => `${name}:5432: 28P01`)
      .join(', ')} and 15 more)`,
  );
});

test('attempts come one after the other', () => {
  const pace = new Pace(10);
  expect([0, 0, 0, 25, 100, 101].map((nowMs) => pace.delayMs(nowMs))).toEqual([0, 10, 20, 5, 0, 9]);
});
