import { expect, test } from 'vitest';
import type { ProbeResult } from '../../../agent/core/model.js';
import { Prober } from '../../../agent/shell/prober.js';
import type { Driver } from '../../../agent/ports.js';
import type { Clock } from '../../../common/clock.js';
import { sleep } from '../../../common/clock.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { passing } from '../builders.js';

class SlowDriver implements Driver {
  startsMs: number[] = [];
  running = 0;
  mostAtOnce = 0;
  closed = false;
  alarm: () => void = () => {};
  constructor(
    private readonly clock: Clock,
    public tookMs: number,
  ) {}

  async probe(): Promise<ProbeResult> {
    this.startsMs.push(this.clock.nowMs());
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.running);
    await sleep(this.clock, this.tookMs);
    this.running--;
    return passing('primary');
  }

  onAlarm(listener: () => void): void {
    this.alarm = listener;
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

function started(tookMs: number) {
  const clock = new ManualClock();
  const driver = new SlowDriver(clock, tookMs);
  const results: number[] = [];
  const prober = new Prober({
    driver,
    clock,
    intervalMs: 1_000,
    onResult: () => results.push(clock.nowMs()),
  });
  prober.start();
  return { clock, driver, prober, results };
}

test('probes start on a rhythm, whatever they take', async () => {
  const { clock, driver } = started(300);
  await clock.advance(3_500);
  expect(driver.startsMs).toEqual([0, 1_000, 2_000, 3_000]);
});

test('one that takes longer than the interval delays the next and never overlaps it', async () => {
  const { clock, driver } = started(1_500);
  await clock.advance(5_000);
  expect(driver.startsMs).toEqual([0, 1_500, 3_000, 4_500]);
  expect(driver.mostAtOnce).toBe(1);
});

test('an alarm brings the next probe forward, and the rhythm goes on from there', async () => {
  const { clock, driver } = started(10);
  await clock.advance(400);
  driver.alarm();
  await clock.advance(1_500);
  expect(driver.startsMs).toEqual([0, 400, 1_400]);
});

test('an alarm during a probe gets one right after it', async () => {
  const { clock, driver } = started(300);
  await clock.advance(100);
  driver.alarm();
  await clock.advance(500);
  expect(driver.startsMs).toEqual([0, 300]);
});

test('two crashes within a second are both looked at at once', async () => {
  const { clock, driver } = started(10);
  await clock.advance(100);
  driver.alarm();
  await clock.advance(200);
  driver.alarm();
  await clock.advance(200);
  driver.alarm();
  await clock.advance(50);
  expect(driver.startsMs).toEqual([0, 100, 300, 500]);
});

test('who hurries gets a probe now, or one right after the one under way', async () => {
  const { clock, driver, prober } = started(300);
  await clock.advance(100);
  prober.hurry();
  prober.hurry();
  await clock.advance(600);
  expect(driver.startsMs).toEqual([0, 300]);
  prober.hurry();
  await clock.advance(1_100);
  expect(driver.startsMs).toEqual([0, 300, 700, 1_700]);
});

test('a storm of alarms is a few probes a second', async () => {
  const { clock, driver } = started(10);
  for (let time = 0; time < 1_000; time++) {
    await clock.advance(10);
    driver.alarm();
  }
  // Ten seconds at three a second, the first three at once, and the regular ones.
  expect(driver.startsMs.length).toBeGreaterThan(30);
  expect(driver.startsMs.length).toBeLessThanOrEqual(3 + 30 + 1);
  expect(driver.mostAtOnce).toBe(1);
});

test('the last look begins after the one under way, is reported, and none follows', async () => {
  const { clock, driver, prober, results } = started(300);
  await clock.advance(100);
  const done = prober.lastLook();
  driver.alarm();
  await clock.advance(500);
  await done;
  await clock.advance(5_000);
  expect(driver.startsMs).toEqual([0, 300]);
  expect(results).toEqual([300, 600]);
});

test('after stop nothing is reported and the driver is closed', async () => {
  const { clock, driver, prober, results } = started(300);
  await clock.advance(100);
  await prober.stop();
  await clock.advance(5_000);
  expect(results).toEqual([]);
  expect(driver.closed).toBe(true);
  expect(driver.startsMs).toEqual([0]);
});
