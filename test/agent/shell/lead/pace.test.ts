import { expect, test } from 'vitest';
import { paceMs } from '../../../../agent/shell/lead/pace.js';

test.each([
  ['holder', 'manual', 'async', 3_000],
  ['following', 'manual', 'async', 3_000],
  ['holder', 'auto', 'async', 1_000],
  ['following', 'manual', 'sync', 1_000],
  ['degraded', 'auto', 'sync', 1_000],
  // Something goes on.
  ['demote', 'manual', 'async', 50],
  ['demote', 'auto', 'sync', 50],
] as const)(
  'after %s, with promotion=%s and durability=%s, the next look comes after %i ms',
  (row, promotion, durability, ms) => {
    expect(paceMs(row, { promotion, durability })).toBe(ms);
  },
);
