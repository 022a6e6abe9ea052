import { describe, expect, test } from 'vitest';
import { backoffMs } from '../../common/backoff.js';

const options = { baseMs: 100, maxMs: 5_000 };

describe('backoff', () => {
  test.each([
    [0, 50, 100],
    [1, 100, 200],
    [3, 400, 800],
    [6, 2_500, 5_000],
    [1_000, 2_500, 5_000],
  ])('attempt %i waits from %i to %i ms', (attempt, least, most) => {
    expect(backoffMs(attempt, options, () => 0)).toBe(least);
    expect(backoffMs(attempt, options, () => 1)).toBe(most);
  });
});
