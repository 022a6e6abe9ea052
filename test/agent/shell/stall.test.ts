import { expect, test } from 'vitest';
import { httpDefaults } from '../../../agent/drivers/http/config.js';
import type { ProbeResult } from '../../../agent/core/model.js';
import type { Driver } from '../../../agent/ports.js';
import { Catalogue } from '../../../agent/shell/catalogue.js';
import { Prober } from '../../../agent/shell/prober.js';
import { ControlLoop } from '../../../agent/shell/control-loop.js';
import { sleep } from '../../../common/clock.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { down, late, model, noEchoes, noRivals } from '../builders.js';

/** A web app that answers nothing from `fromMs` to `untilMs`, or refuses. */
function stalling(fromMs: number, untilMs: number, how: 'hangs' | 'refuses' = 'hangs') {
  const clock = new ManualClock();
  const consul = new FakeConsul();
  const log = keptLog();
  const { intervalMs, timeoutMs } = httpDefaults;
  const driver: Driver = {
    async probe(): Promise<ProbeResult> {
      const startedMs = clock.nowMs();
      if (startedMs < fromMs || startedMs >= untilMs) return { kind: 'passing', facts: { kind: 'http' } };
      if (how === 'refuses') return down;
      await sleep(clock, Math.min(timeoutMs, untilMs - startedMs));
      return untilMs - startedMs < timeoutMs ? { kind: 'passing', facts: { kind: 'http' } } : late;
    },
    onAlarm() {},
    async close() {},
  };
  const catalogue: Catalogue = new Catalogue({
    consul,
    clock,
    random: () => 0.5,
    log,
    onChange: () => loop.wake(),
  });
  const prober: Prober = new Prober({
    driver,
    clock,
    intervalMs,
    onResult: (result) => loop.observe(result),
  });
  const loop: ControlLoop = new ControlLoop({
    model: { ...model, missesToBelieve: 2 },
    catalogue,
    echoes: noEchoes,
    rivals: noRivals,
    clock,
    log,
    remembered: undefined,
    onChange: () => {},
    onProbeDue: () => prober.hurry(),
  });
  catalogue.start();
  prober.start();
  const statusOf = () => consul.entry('pg@pg1')?.check?.status;
  /** When the catalogue called it critical, ms after the stall began; undefined when it never did. */
  const reactionMs = async () => {
    await clock.advance(fromMs);
    expect(statusOf()).toBe('passing');
    for (let ms = 10; ms <= 3_000; ms += 10) {
      await clock.advance(10);
      if (statusOf() === 'critical') return ms;
    }
    return undefined;
  };
  return { reactionMs };
}

/** Every phase between the rhythm of probes and the begin of the stall. */
const phases = Array.from({ length: 8 }, (_, index) => 4_005 + index * 50);

test('a stall shorter than two deadlines changes nothing', async () => {
  for (const fromMs of phases)
    expect([fromMs, await stalling(fromMs, fromMs + 690).reactionMs()]).toEqual([fromMs, undefined]);
});

test('an app that hangs is out after about a second', async () => {
  const tookMs = await Promise.all(phases.map((fromMs) => stalling(fromMs, Infinity).reactionMs()));
  expect(Math.max(...tookMs.map((ms) => ms ?? Infinity))).toBeLessThanOrEqual(1_120);
});

test('a refusal counts at once', async () => {
  for (const fromMs of phases) {
    const tookMs = await stalling(fromMs, Infinity, 'refuses').reactionMs();
    expect(tookMs).toBeLessThanOrEqual(httpDefaults.intervalMs + 20);
  }
});
