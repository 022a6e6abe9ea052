import { expect, test } from 'vitest';
import { run } from './world/run.js';

/** HOTSPARE_SEED=n replays one run and prints what happened. */
const seedWanted = process.env['HOTSPARE_SEED'];
const first = seedWanted === undefined ? 1 : Number(seedWanted);
const count = seedWanted === undefined ? Number(process.env['HOTSPARE_SEEDS'] ?? 200) : 1;

test('whatever is killed on the way, no acknowledged write is lost by a switchover, and one primary remains', () => {
  let roleChanges = 0;
  for (let seed = first; seed < first + count; seed += 1) {
    const { world, violations } = run(seed, seed % 3 === 0 ? ['pg1', 'pg2', 'pg3'] : ['pg1', 'pg2']);
    roleChanges += world.roleChanges;
    if (seedWanted !== undefined) process.stdout.write(`${world.transcript.join('\n')}\n`);
    expect(violations, `seed ${seed}\n${world.transcript.slice(-60).join('\n')}`).toEqual([]);
  }
  // Else nothing was tried.
  expect(roleChanges).toBeGreaterThan(count);
}, 300_000);
