import { expect, test } from 'vitest';
import { simulate } from './simulate.js';
import { breakages } from './world/breakage.js';

test('a seed gives the same again, and says how long no write was acknowledged', () => {
  const once = simulate({ first: 3, seeds: 2 });
  expect(simulate({ first: 3, seeds: 2 })).toEqual(once);
  expect(once.violations).toEqual([]);
  expect(once.maxUnavailableMs).toBeGreaterThan(0);
});

test('a broken rule is told with seed, invariant and tick, each invariant once a seed', () => {
  const { violations, ticks } = simulate({ first: 1, seeds: 10, broken: breakages['G1-start'] });
  expect(violations.length).toBeGreaterThan(0);
  for (const { tick } of violations) expect(tick).toBeLessThanOrEqual(ticks);
  const said = violations.map(({ seed, invariant }) => `${seed} ${invariant}`);
  expect(new Set(said).size).toBe(said.length);
});
