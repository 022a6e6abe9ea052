import { describe as group, expect, test } from 'vitest';
import { seededRandom } from '../support/random.js';
import { kindNames, kinds, type Kind } from './faults/kinds.js';
import { describe, planOf } from './plan.js';

const plan = (seed: number, count = 200) => planOf(count, seededRandom(seed), kindNames);

group('the plan of a run', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(plan(7)).toEqual(plan(7));
    expect(plan(7)).not.toEqual(plan(8));
  });

  test('has as many faults as were asked for, alone and in pairs of two kinds', () => {
    const rounds = plan(7);
    expect(rounds.flatMap(({ faults }) => faults)).toHaveLength(200);
    const sizes = rounds.map(({ faults }) => faults.length);
    expect(new Set(sizes)).toEqual(new Set([1, 2]));
    for (const { faults } of rounds) expect(new Set(faults.map(({ kind }) => kind)).size).toBe(faults.length);
  });

  test('has every kind, and none much more often than another', () => {
    const faults = plan(7).flatMap((round) => round.faults);
    const counts = kindNames.map((name) => faults.filter(({ kind }) => kind === name).length);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
  });

  test('keeps to where and how long a kind may strike; the primary is meant more often', () => {
    const faults = plan(7).flatMap((round) => round.faults);
    for (const { kind, at, forMs } of faults) {
      const { at: may, forMs: between }: Kind = kinds[kind];
      if (may === 'primary' || may === 'standby') expect(at).toBe(may);
      expect(forMs).toBeGreaterThanOrEqual(between[0]);
      expect(forMs).toBeLessThanOrEqual(between[1]);
    }
    const primaries = faults.filter(({ at }) => at === 'primary').length;
    expect(primaries).toBeGreaterThan(100);
    expect(primaries).toBeLessThan(200);
  });

  test('of one kind alone has no pairs', () => {
    const rounds = planOf(5, seededRandom(1), ['box-off']);
    expect(rounds.map(({ faults }) => faults.map(({ kind }) => kind))).toEqual(Array(5).fill(['box-off']));
  });

  test('says where and for how long', () => {
    const fault = { kind: 'box-freeze', at: 'primary', forMs: 4_210, afterMs: 0, pick: 1 } as const;
    expect(describe(fault)).toBe('box-freeze of the primary for 4.2 s');
    expect(describe({ ...fault, kind: 'switchover', forMs: 0 })).toBe('switchover');
  });
});
