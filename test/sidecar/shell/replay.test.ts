import { describe, expect, test } from 'vitest';
import type { Target } from '../../../common/names.js';
import { includes, type Position } from '../../../sidecar/core/history/position.js';
import { Fresh } from '../../../sidecar/shell/fresh.js';
import { Replay } from '../../../sidecar/shell/replay.js';
import { ManualClock, settled } from '../../fakes/manual-clock.js';
import { member } from '../core/story.js';

const at = (lsn: number): Position => ({ systemId: 'sys', timeline: 1, lsn: BigInt(lsn) });
const [a, b] = [member('a'), member('b')];

/** Replicas that say what the test wants; a question to one that hangs is never answered. */
class World {
  readonly clock = new ManualClock();
  readonly positions: Record<string, number | null | 'hangs'> = { a: 0, b: 0 };
  readonly asked: string[] = [];
  readonly replay = new Replay({
    clock: this.clock,
    askPosition: async ({ host }) => {
      this.asked.push(host);
      const lsn = this.positions[host];
      if (lsn === 'hangs') return new Promise<never>(() => {});
      return lsn === null || lsn === undefined ? null : at(lsn);
    },
  });

  until(lsn: number, withinMs: number, ...targets: Target[]) {
    const arrived = (_: Target, position: Position | null) => includes(position, at(lsn));
    const outcome = { by: 'nobody yet' };
    void this.replay
      .first(targets, arrived, this.clock.nowMs() + withinMs)
      .then((target) => (outcome.by = target?.host ?? 'nobody'));
    return outcome;
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await settled();
  }
}

describe('waiting for replay', () => {
  test('whoever is there already is found with one question', async () => {
    const world = new World();
    world.positions['a'] = 7;
    const read = world.until(7, 100, a);
    await settled();
    expect([read.by, world.asked]).toEqual(['a', ['a']]);
    await world.pass(50);
    expect(world.asked).toEqual(['a']);
  });

  test('the first of several is enough', async () => {
    const world = new World();
    const read = world.until(7, 100, a, b);
    await world.pass(20);
    expect(read.by).toBe('nobody yet');
    world.positions['b'] = 8;
    await world.pass(12);
    expect(read.by).toBe('b');
  });

  test('the bound holds, also when no answer ever comes', async () => {
    const world = new World();
    world.positions['b'] = 'hangs';
    const reads = [world.until(7, 100, a), world.until(7, 100, b), world.until(7, 100)];
    await world.pass(99);
    expect(reads.map(({ by }) => by)).toEqual(['nobody yet', 'nobody yet', 'nobody yet']);
    await world.pass(1);
    expect(reads.map(({ by }) => by)).toEqual(['nobody', 'nobody', 'nobody']);
  });

  test('many who wait cost what one costs, and everybody gets what he came for', async () => {
    const world = new World();
    const reads = Array.from({ length: 1_000 }, (_, n) => world.until(n, 100, a));
    await world.pass(20);
    const questions = world.asked.length;
    expect(questions).toBeLessThan(10);
    world.positions['a'] = 499;
    await world.pass(12);
    expect(reads.filter(({ by }) => by === 'a')).toHaveLength(500);
    world.positions['a'] = null;
    await world.pass(100);
    expect(reads.filter(({ by }) => by === 'nobody')).toHaveLength(500);
    const asked = world.asked.length;
    await world.pass(50);
    expect(world.asked.length).toBe(asked);
  });

  test('a late comer is asked for soon, however long others have waited', async () => {
    const world = new World();
    world.until(1_000, 10_000, a);
    await world.pass(200);
    world.positions['a'] = 7;
    const late = world.until(7, 100, a);
    await world.pass(4);
    expect(late.by).toBe('a');
  });
});

describe('a question that many have', () => {
  test('one that is under way is shared by nobody who comes later; the next one by all of them', async () => {
    const answers: ((value: number) => void)[] = [];
    const fresh = new Fresh<number>(() => new Promise((resolve) => answers.push(resolve)));
    const first = fresh.ask();
    const later = [fresh.ask(), fresh.ask(), fresh.ask()];
    expect(answers).toHaveLength(1);
    answers[0]!(1);
    expect(await first).toBe(1);
    await settled();
    expect(answers).toHaveLength(2);
    const last = fresh.ask();
    answers[1]!(2);
    expect(await Promise.all(later)).toEqual([2, 2, 2]);
    await settled();
    answers[2]!(3);
    expect(await last).toBe(3);
    void fresh.ask();
    expect(answers).toHaveLength(4);
  });
});
