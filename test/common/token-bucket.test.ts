import { expect, test } from 'vitest';
import { fullBucket, takeToken } from '../../common/token-bucket.js';

const options = { capacity: 3, refillMs: 100 };

/** At which of these times a token was there. */
function taken(timesMs: readonly number[]): number[] {
  let bucket = fullBucket(options, 0);
  return timesMs.filter((nowMs) => {
    const next = takeToken(bucket, nowMs, options);
    if (next) bucket = next;
    return next !== undefined;
  });
}

test.each([
  ['a few at once, then no more', [0, 0, 0, 0, 0], [0, 0, 0]],
  ['one comes back after its time, not before', [0, 0, 0, 99, 100, 101], [0, 0, 0, 100]],
  ['asking in vain costs nothing', [0, 0, 0, 30, 60, 90, 120], [0, 0, 0, 120]],
  ['never more than fit in', [10_000, 10_000, 10_000, 10_000], [10_000, 10_000, 10_000]],
  ['a clock that stands still gives nothing', [0, 0, 0, -50, 0], [0, 0, 0]],
])('%s', (_, asked, got) => {
  expect(taken(asked)).toEqual(got);
});
