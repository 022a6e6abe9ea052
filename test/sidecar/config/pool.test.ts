import { expect, test } from 'vitest';
import { parseLimits } from '../../../sidecar/config/pool.js';

test('limits of a pool: defaults, and what is refused', () => {
  expect(() => parseLimits({ writeWaitMs: -1 })).toThrow(/writeWaitMs is -1; expected/);
  expect(() => parseLimits({ ackTimeoutMs: 99 })).toThrow(/ackTimeoutMs is 99.*100 or more/);
  expect(() => parseLimits({ maxReplicaLagBytes: NaN })).toThrow(/maxReplicaLagBytes/);
  expect(parseLimits({})).toEqual({
    writeWaitMs: 0,
    ackTimeoutMs: 5_000,
    maxReplicaLagBytes: Infinity,
    warmSpare: true,
    readYourWrites: false,
    readWaitMs: 100,
  });
  expect(parseLimits({ readYourWrites: true })).toMatchObject({ readYourWrites: true, readWaitMs: 100 });
  expect(parseLimits({ readYourWrites: { waitMs: 7 } })).toMatchObject({
    readYourWrites: true,
    readWaitMs: 7,
  });
  for (const [given, message] of [
    ['yes', /readYourWrites is "yes"; expected true, false or \{ waitMs \}/],
    [null, /readYourWrites is null/],
    [{ waitms: 1 }, /readYourWrites\.waitms: there is no such key; known are waitMs/],
    [{ waitMs: 0 }, /readYourWrites\.waitMs is 0; expected a number of milliseconds from 1 to 60000/],
    [{ waitMs: Infinity }, /readYourWrites\.waitMs/],
  ] as const)
    expect(() => parseLimits({ readYourWrites: given as never })).toThrow(message);
  expect(() => parseLimits({ warmSpare: 'no' as never })).toThrow(
    /warmSpare is "no"; expected true or false/,
  );
});
