import { expect, test } from 'vitest';
import { AwakeClock } from '../../common/awake-clock.js';
import type { Clock } from '../../common/clock.js';
import { ManualClock } from '../fakes/manual-clock.js';

/** A manual clock whose process may not run for a while: what was due meanwhile fires late, all at once. */
function sleeper() {
  const manual = new ManualClock();
  let lateMs = 0;
  const base: Clock = {
    nowMs: () => manual.nowMs() + lateMs,
    wallMs: () => manual.wallMs() + lateMs,
    after: (delayMs, fn) => manual.after(delayMs, fn),
  };
  const clock = new AwakeClock(base);
  const fired: string[] = [];
  return {
    clock,
    fired,
    advance: (ms: number) => manual.advance(ms),
    sleep: (ms: number) => (lateMs += ms),
    in: (delayMs: number, name: string) => clock.after(delayMs, () => fired.push(name)),
  };
}

test('goes as the clock under it while the process runs', async () => {
  const { clock, fired, advance, in: after } = sleeper();
  const startMs = clock.nowMs();
  after(550, 'deadline');
  after(100, 'cancelled').cancel();
  await advance(549);
  expect(fired).toEqual([]);
  await advance(1);
  expect(fired).toEqual(['deadline']);
  expect(clock.nowMs() - startMs).toBe(550);
});

test('a deadline that passed while the process did not run leaves time to look again', async () => {
  const { fired, advance, sleep, in: after } = sleeper();
  after(550, 'deadline');
  await advance(540);
  sleep(10_000);
  await advance(200);
  expect(fired).toEqual([]);
  await advance(60);
  expect(fired).toEqual(['deadline']);
});

test('who does not run for seconds, again and again, is excused each time', async () => {
  const { fired, advance, sleep, in: after } = sleeper();
  after(550, 'deadline');
  for (let round = 0; round < 10; round++) {
    sleep(3_000);
    await advance(50);
  }
  expect(fired).toEqual([]);
  await advance(300);
  expect(fired).toEqual(['deadline']);
});

test('a process that is held up a little again and again comes to a verdict all the same', async () => {
  const { fired, advance, sleep, in: after } = sleeper();
  after(550, 'deadline');
  let rounds = 0;
  for (; fired.length === 0 && rounds < 100; rounds++) {
    sleep(300);
    await advance(50);
  }
  expect(rounds).toBeGreaterThan(3);
  expect(rounds).toBeLessThan(12);
});

test('stands still while it is held, by however many', async () => {
  const { clock, fired, advance, in: after } = sleeper();
  after(100, 'deadline');
  const releases = [clock.hold(), clock.hold()];
  await advance(5_000);
  releases[0]!();
  releases[0]!();
  await advance(5_000);
  expect(fired).toEqual([]);
  releases[1]!();
  await advance(99);
  expect(fired).toEqual([]);
  await advance(51);
  expect(fired).toEqual(['deadline']);
});

test('time that nobody waits for passes as usual', async () => {
  const { clock, sleep } = sleeper();
  const startMs = clock.nowMs();
  sleep(60_000);
  expect(clock.nowMs() - startMs).toBe(60_000);
});
