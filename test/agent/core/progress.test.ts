import { expect, test } from 'vitest';
import { hangingLoops } from '../../../agent/core/progress.js';

const loop = (name: string, progressMs: number, everyMs = 1_000) => ({ name, progressMs, everyMs });

test.each([
  ['all move', [loop('pg', 99_000), loop('web', 99_500)], 0, []],
  ['late, but within patience: three rounds and 10 s', [loop('pg', 87_000)], 0, []],
  ['beyond it', [loop('pg', 86_999)], 0, ['pg']],
  ['a slower rhythm has more patience', [loop('Consul', 60_000, 10_000)], 0, []],
  ['only those that hang are named', [loop('pg', 0), loop('web', 99_000)], 0, ['pg']],
  ['the box stood still', [loop('pg', 0), loop('web', 1_000)], 99_000, []],
  ['it stood still, but the loop hung before', [loop('pg', 0)], 50_000, ['pg']],
] as const)('%s', (_, loops, stoodStillMs, names) => {
  expect(hangingLoops(loops, 100_000, stoodStillMs).map(({ name }) => name)).toEqual(names);
});
