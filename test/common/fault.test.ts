import { expect, test } from 'vitest';
import { isFault, UserError } from '../../common/errors.js';

const thrown = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

test.each<[string, unknown, boolean]>([
  ['a property of nothing', thrown(() => (undefined as unknown as { a: number }).a), true],
  ['an array of a length that is none', thrown(() => new Array(-1)), true],
  ['what Node refuses has a code', thrown(() => new URL('no')), false],
  ['a buffer that is too short has a code', thrown(() => Buffer.alloc(1).readInt32BE(0)), false],
  ['text that is not JSON is somebody’s', thrown(() => JSON.parse('{')), false],
  ['fetch without an answer', new TypeError('fetch failed', { cause: new Error('x') }), false],
  ['a refusal', Object.assign(new Error('refused'), { code: 'ECONNREFUSED' }), false],
  ['a sentence for a person', new UserError('no'), false],
  ['no error at all', 'text', false],
])('%s', (_, error, expected) => {
  expect(isFault(error)).toBe(expected);
});
