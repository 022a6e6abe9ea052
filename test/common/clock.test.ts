import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { DeadlineError, sleep, withDeadline } from '../../common/clock.js';
import { clockWith, systemClock } from '../../common/runtime/clock.js';

describe('withDeadline', () => {
  test('work that ends in time gives its result', async () => {
    expect(await withDeadline(systemClock, 5_000, 'it', async () => 7)).toBe(7);
  });

  test('work that does not is told to stop and rejected, whatever it goes on doing', async () => {
    let told = false;
    const never = withDeadline(systemClock, 10, 'it', (signal) => {
      signal.addEventListener('abort', () => (told = true));
      return new Promise(() => {});
    });
    await expect(never).rejects.toThrow(new DeadlineError('it', 10).message);
    expect(told).toBe(true);
  });

  test('a parent that was aborted before aborts it at once', async () => {
    const parent = AbortSignal.abort(new Error('stopped'));
    await expect(withDeadline(systemClock, 5_000, 'it', () => new Promise(() => {}), parent)).rejects.toThrow(
      'stopped',
    );
  });

  test("a sleep ends with its signal, by the signal's reason", async () => {
    const controller = new AbortController();
    const sleeping = sleep(systemClock, 60_000, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(sleeping).rejects.toThrow('enough');
  });
});

test("fake timers that are installed later leave the machine's own alone", async () => {
  vi.useFakeTimers();
  try {
    const realMs = Date.now();
    vi.setSystemTime(0);
    expect(systemClock.wallMs()).toBeGreaterThan(1e12);
    await sleep(systemClock, 5);
    expect(Date.now()).toBe(0);
    expect(realMs).toBeGreaterThan(0);
  } finally {
    vi.useRealTimers();
  }
});

describe("the machine's own time", () => {
  const dayMs = 86_400_000;
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const firesAfterDays = (delayMs: number, days: number, cancelAfterDays = Infinity) => {
    let firedAfter: number | null = null;
    let passed = 0;
    const timer = clockWith(globalThis).after(delayMs, () => (firedAfter ??= passed));
    for (; passed < days; passed++) {
      if (passed === cancelAfterDays) timer.cancel();
      vi.advanceTimersByTime(dayMs);
    }
    timer.cancel();
    return firedAfter;
  };

  test.each([
    [5.5, 5],
    [30.5, 30],
    [90.5, 90],
    [Infinity, null],
  ])('%s days, where Node knows 24 of them, fires once they are over', (days, expected) => {
    expect(firesAfterDays(days * dayMs, 120)).toBe(expected);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([0, 40])('cancelled after %s days it never fires, and nothing is left', (days) => {
    expect(firesAfterDays(60 * dayMs, 120, days)).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
  });
});
