import { expect, test } from 'vitest';
import { tableLines } from '../../../common/text/table.js';

test('columns are as wide as their widest cell, and no line ends in spaces', () => {
  expect(
    tableLines([
      ['BOX', 'STATE', ''],
      ['a', 'running', '7'],
      ['nginx1', '', ''],
    ]),
  ).toEqual(['BOX     STATE', 'a       running  7', 'nginx1']);
});

test('a row may lack its last cells', () => {
  expect(tableLines([['A', 'B'], ['aa']])).toEqual(['A   B', 'aa']);
});

test('nothing is nothing', () => {
  expect(tableLines([])).toEqual([]);
});
