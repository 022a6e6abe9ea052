import { expect, test } from 'vitest';
import { nextIndex } from '../../../common/consul/next-index.js';

test.each([
  ['it moved on', '5', '6', '6'],
  ['it stood still', '5', '5', '5'],
  ['the first answer', '0', '7', '7'],
  ['more than a number holds exactly', '9007199254740993', '9007199254740995', '9007199254740995'],
  ['it went back', '6', '5', '0'],
  ['a new cluster that has nothing yet', '6', '0', '0'],
  ['none at all', '6', undefined, '0'],
  ['two of them', '6', ['7', '8'], '0'],
  ['no number', '6', 'seven', '0'],
  ['empty', '6', '', '0'],
  ['negative', '6', '-7', '0'],
  ['absurdly long', '6', '9'.repeat(21), '0'],
])('%s: sent %s, seen %s -> %s', (_, sent, seen, next) => {
  expect(nextIndex(sent, seen)).toBe(next);
});
