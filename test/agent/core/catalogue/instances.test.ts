import { expect, test } from 'vitest';
import { describeChange, sorted, type Instance } from '../../../../agent/core/catalogue/instances.js';

const at = (node: string, port = 80): Instance => ({
  node,
  id: `web@${node}`,
  address: '10.0.0.1',
  port,
  tags: [],
  meta: {},
});

test('the order does not depend on the answer’s', () => {
  const [a, b, c] = [at('a'), at('b'), at('c')];
  expect(sorted([c, a, b])).toEqual([a, b, c]);
  expect(sorted([b, c, a])).toEqual([a, b, c]);
});

test('the log line says who came and who went', () => {
  const before = new Map([['web', [at('a', 1), at('b', 2)]]]);
  const after = new Map([['web', [at('b', 2), at('c', 3)]]]);
  expect(describeChange(before, after)).toBe('web: added 10.0.0.1:3; web: removed 10.0.0.1:1');
  expect(describeChange(undefined, after)).toBe('web: 10.0.0.1:2, 10.0.0.1:3');
  expect(describeChange(undefined, new Map([['web', []]]))).toBe('web: none');
});
