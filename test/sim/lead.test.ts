import { expect, test } from 'vitest';
import { breakages } from './world/breakage.js';
import { run } from './world/run.js';

/** HOTSPARE_SEED=n replays one run and prints what happened; HOTSPARE_SEEDS=n runs so many. */
const seedWanted = process.env['HOTSPARE_SEED'];
const first = seedWanted === undefined ? 1 : Number(seedWanted);
const count = seedWanted === undefined ? Number(process.env['HOTSPARE_SEEDS'] ?? 150) : 1;

test('whatever is killed on the way, no acknowledged write is lost by a switchover, and one primary remains', () => {
  let roleChanges = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const { world, violations } = run(seed);
    roleChanges += world.roleChanges;
    if (seedWanted !== undefined) process.stdout.write(`${world.transcript.join('\n')}\n`);
    expect(violations, `seed ${seed}\n${world.transcript.slice(-60).join('\n')}`).toEqual([]);
  }
  // Else nothing was tried.
  expect(roleChanges).toBeGreaterThan(count);
}, 300_000);

test.each(Object.keys(breakages))(
  'a broken %s is found',
  (rule) => {
    const seeds = 200;
    const found = Array.from({ length: seeds }, (_, index) => index + 1).find((seed) =>
      run(seed, breakages[rule]).violations.some(({ invariant }) => invariant !== '6'),
    );
    expect(found, `no violation in ${seeds} seeds`).toBeDefined();
  },
  300_000,
);
