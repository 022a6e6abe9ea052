import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { playKept, shrink, violates, type Kept } from './shrink.js';
import { breakages } from './world/breakage.js';
import { scenarioOf } from './world/deeds.js';

const folder = new URL('kept/', import.meta.url);
const kept = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Kept;

test.each(readdirSync(folder))('%s violates its invariant without its rule, and nothing with it', (name) => {
  const { rule, invariant, scenario } = kept(name);
  // A world that has changed takes another way: then shrink a seed anew, "npm run sim -- --shrink --seed S --break RULE -o json".
  if (rule !== undefined) expect(violates(scenario, invariant, rule)).toBe(true);
  const { world, violations } = playKept({ scenario, invariant, rule: undefined });
  expect(violations, world.transcript.join('\n')).toEqual([]);
});

test('a scenario shrinks to the deeds that matter', () => {
  const broken = breakages['G1']!;
  const whole = scenarioOf(1, broken);
  const short = shrink(whole, '1', 'G1');
  expect(violates(short, '1', 'G1')).toBe(true);
  expect(short.deeds.length).toBeLessThan(whole.deeds.length / 4);
}, 60_000);
