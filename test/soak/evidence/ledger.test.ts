import { expect, test } from 'vitest';
import { Ledger, parseText, textOf } from './ledger.js';

const ledgerOf = (write: (ledger: Ledger) => void) => {
  const ledger = new Ledger();
  write(ledger);
  return ledger;
};

test.each<[name: string, write: (ledger: Ledger) => void, rows: [string, number][], complaints: string[]]>([
  ['acknowledged and there', (l) => l.done('a', 0), [['a', 0]], []],
  ['acknowledged and lost', (l) => l.done('a', 0), [], ['a: read nothing, expected version 0']],
  [
    'acknowledged, and the version before it',
    (l) => [l.done('a', 0), l.done('a', 1)],
    [['a', 0]],
    ['a: read version 0, expected version 1'],
  ],
  ['removed and gone', (l) => [l.done('a', 0), l.done('a', null)], [], []],
  [
    'removed and there',
    (l) => [l.done('a', 0), l.done('a', null)],
    [['a', 0]],
    ['a: read version 0, expected nothing'],
  ],
  ['unknown and there', (l) => l.unknown('a', 0), [['a', 0]], []],
  ['unknown and not there', (l) => l.unknown('a', 0), [], []],
  [
    'unknown after something acknowledged: either, but nothing else',
    (l) => [l.done('a', 0), l.unknown('a', 1)],
    [],
    ['a: read nothing, expected version 0 or version 1'],
  ],
  ['refused, so it says nothing, and there', () => {}, [['a', 0]], ['a: nobody wrote it']],
  [
    'executed twice',
    (l) => l.done('a', 0),
    [
      ['a', 0],
      ['a', 0],
    ],
    ['a: is there twice'],
  ],
  [
    'half a transaction',
    (l) => [l.inserted(['a', 'b']), l.unknown('a', 0), l.unknown('b', 0)],
    [['b', 0]],
    ['a and b: only b is there, of one transaction'],
  ],
  ['a transaction, unknown', (l) => [l.inserted(['a', 'b']), l.unknown('a', 0), l.unknown('b', 0)], [], []],
])('in the end: %s', (_name, write, rows, complaints) => {
  expect(ledgerOf(write).complaints(rows)).toEqual(complaints);
});

test('a replica may show what was there before; the primary may not', () => {
  const ledger = ledgerOf((l) => [l.done('a', 0), l.done('a', 1)]);
  for (const [seen, old, fresh] of [
    [null, undefined, 'a: read nothing, expected version 1'],
    [0, undefined, 'a: read version 0, expected version 1'],
    [1, undefined, undefined],
    [
      2,
      'a: read version 2, expected nothing or version 0 or version 1',
      'a: read version 2, expected version 1',
    ],
  ] as const) {
    expect(ledger.complaint('a', seen, false)).toBe(old);
    expect(ledger.complaint('a', seen, true)).toBe(fresh);
  }
});

test('a tag may hold anything', () => {
  expect(parseText(textOf('Pool/0.1#2', 7))).toEqual(['Pool/0.1#2', 7]);
});
