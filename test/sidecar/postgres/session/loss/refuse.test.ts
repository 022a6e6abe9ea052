import { describe, expect, test } from 'vitest';
import { refuse } from '../../../../../sidecar/postgres/session/loss/refuse.js';

describe('a refused statement is answered in the way it was asked', () => {
  const why = new Error('closed');
  test('promise', async () => {
    await expect(refuse(why, 'SELECT 1', undefined, undefined)).rejects.toBe(why);
  });
  test.each([
    ['callback as second', (done: unknown) => refuse(why, 'SELECT 1', done, undefined)],
    ['callback as third', (done: unknown) => refuse(why, 'SELECT 1', [], done)],
    [
      'callback in the config',
      (done: unknown) => refuse(why, { text: 'SELECT 1', callback: done }, undefined, undefined),
    ],
    ['Submittable', (done: unknown) => refuse(why, { submit() {}, handleError: done }, undefined, undefined)],
  ])('%s', async (_, ask) => {
    expect(await new Promise((resolve) => ask(resolve))).toBe(why);
  });
});
