import { expect, test } from 'vitest';
import { run } from './world/run.js';

/** Seeds that found a fault of the core once, with what it was. */
test.each([
  [
    40_214,
    'a switchover was given up, its target promoted by hand: the primary did not write its record again',
  ],
  [44_186, 'a backup of Consul beside a member that was promoted by hand: the same'],
  [
    61_932,
    'a record that was written late, after its member was let go: it was not taken into management again',
  ],
])('%i: %s', (seed) => {
  const { world, violations } = run(seed);
  expect(violations, world.transcript.slice(-40).join('\n')).toEqual([]);
});
