import { expect, test } from 'vitest';
import {
  doubtEndsMs,
  doubtMs,
  listingAfter,
  listingAt,
  listingBefore,
  type Entry,
  type Listing,
} from '../../../../agent/core/catalogue/absence.js';

const entry = (node: string, status: 'passing' | 'warning' | 'critical' = 'passing', port = 80): Entry => ({
  node,
  id: `web@${node}`,
  address: `10.0.0.${node.charCodeAt(0) - 96}`,
  port,
  tags: [],
  meta: {},
  checks: [{ status: 'passing' }, { status }],
});
const nodes = ({ instances }: Listing) => instances.map(({ node }) => node).join('');
const from = (...names: string[]) =>
  listingAfter(
    undefined,
    names.map((name) => entry(name)),
    0,
  );

const rows: readonly [
  what: string,
  before: Listing | undefined,
  answer: Entry[],
  listed: string,
  doubted: string,
][] = [
  ['the first answer is believed', undefined, [entry('a'), entry('b', 'critical')], 'a', ''],
  ['an empty first answer, too', undefined, [], '', ''],
  ['who is absent stays', from('a', 'b'), [entry('a')], 'ab', 'b'],
  ['all of them', from('a', 'b'), [], 'ab', 'ab'],
  ['who is critical goes at once', from('a', 'b'), [entry('a'), entry('b', 'critical')], 'a', ''],
  ['who is in warning, too', from('a', 'b'), [entry('a'), entry('b', 'warning')], 'a', ''],
  ['who is new comes at once', from('a'), [entry('b')], 'ab', 'a'],
  ['who moved is where it is now', from('a'), [entry('a', 'passing', 81)], 'a', ''],
  ['what an earlier run listed is doubted', listingBefore([entry('a')]), [], 'a', 'a'],
  [
    'whoever is at the same place under another name is not missing',
    from('a'),
    [{ ...entry('z'), address: entry('a').address }],
    'z',
    '',
  ],
];
test.each(rows)('%s', (_, before, answer, listed, doubted) => {
  const after = listingAfter(before, answer, 1_000);
  expect(nodes(after)).toBe(listed);
  expect([...after.missingSinceMs.keys()].map((key) => (JSON.parse(key) as string[])[0]).join('')).toBe(
    doubted,
  );
});

test('a doubt ends by time alone, and counts from the first absence', () => {
  const first = listingAfter(from('a', 'b'), [entry('a')], 1_000);
  const second = listingAfter(first, [], 9_000);
  expect(doubtEndsMs(second)).toBe(1_000 + doubtMs);
  expect(nodes(listingAt(second, 999 + doubtMs))).toBe('ab');
  const third = listingAt(second, 1_000 + doubtMs);
  expect(nodes(third)).toBe('a');
  expect(doubtEndsMs(third)).toBe(9_000 + doubtMs);
  const back = listingAfter(third, [entry('a')], 20_000);
  expect([nodes(back), doubtEndsMs(back)]).toEqual(['a', undefined]);
});

test('who comes back critical out of its absence is gone, and not doubted again', () => {
  const absent = listingAfter(from('a'), [], 0);
  const critical = listingAfter(absent, [entry('a', 'critical')], 10);
  expect(nodes(critical)).toBe('');
  expect(nodes(listingAfter(critical, [], 20))).toBe('');
});
