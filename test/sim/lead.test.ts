import { expect, test } from 'vitest';
import { breakages } from './world/breakage.js';
import { run, type IsEnough } from './world/run.js';

/** HOTSPARE_SEED=n replays one run and prints what happened; HOTSPARE_SEEDS=n runs so many. */
const seedWanted = process.env['HOTSPARE_SEED'];
const count = seedWanted === undefined ? Number(process.env['HOTSPARE_SEEDS'] ?? 1_000) : 1;
/** So many in one test: a machine that is five times slower still ends it in time. */
const portion = 100;
const portions = Array.from({ length: Math.ceil(count / portion) }, (_, index) => ({
  first: (seedWanted === undefined ? 1 : Number(seedWanted)) + index * portion,
  seeds: Math.min(portion, count - index * portion),
}));

test.each(portions)(
  '$seeds seeds from $first on: whatever is killed on the way, no acknowledged write is lost by a switchover, and one primary remains',
  ({ first, seeds }) => {
    let roleChanges = 0;
    for (let seed = first; seed < first + seeds; seed += 1) {
      const { world, violations } = run(seed);
      roleChanges += world.roleChanges;
      if (seedWanted !== undefined) process.stdout.write(`${world.transcript.join('\n')}\n`);
      expect(violations, `seed ${seed}\n${world.transcript.slice(-60).join('\n')}`).toEqual([]);
    }
    // Else nothing was tried.
    expect(roleChanges).toBeGreaterThan(seeds);
  },
  300_000,
);

test.each(Object.keys(breakages))(
  'a broken %s is found',
  (rule) => {
    const seeds = 200;
    const isFound: IsEnough = ({ invariant }) => invariant !== '6';
    const found = Array.from({ length: seeds }, (_, index) => index + 1).find((seed) =>
      run(seed, breakages[rule], isFound).violations.some(isFound),
    );
    expect(found, `no violation in ${seeds} seeds`).toBeDefined();
  },
  300_000,
);
