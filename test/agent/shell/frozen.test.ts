import { expect, test } from 'vitest';
import { parseAgentConfig } from '../../../agent/config.js';
import type { ProbeReading, ProbeResult } from '../../../agent/core/model.js';
import { Catalogue } from '../../../agent/shell/catalogue.js';
import { Prober } from '../../../agent/shell/prober.js';
import { ControlLoop } from '../../../agent/shell/control-loop.js';
import { modelOf } from '../../../agent/shell/service-model.js';
import { sleep } from '../../../common/clock.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { down, noEchoes, noRivals, passing } from '../builders.js';

/** Postgres as the agent knows it by default: what becomes of its entry while log-ins take so long, each as it is told. */
function postgres(tookMs: (attempt: number) => number, seenAtMs?: number) {
  const config = parseAgentConfig(
    `box: pg1
address: 127.0.11.11
stateDir: /var/lib/hotspare
http: { host: 127.0.11.11, port: 8008 }
consul: { url: "http://127.0.11.11:8500" }
services: [{ name: pg, kind: postgres, port: 5432, probe: { user: agent, passwordFile: ${import.meta.filename} } }]`,
    'agent.yaml',
  );
  const [service] = config.services;
  const { intervalMs, timeoutMs } = service!.probe;
  const model = modelOf(service!, {
    box: 'pg1',
    instance: 'a',
    url: 'http://127.0.11.11:8008',
    startedMs: 0,
  });
  const clock = new ManualClock();
  const consul = new FakeConsul();
  const log = keptLog();
  let attempt = 0;
  const shares: number[] = [];
  const driver = {
    async probe(share = 1): Promise<ProbeResult> {
      shares.push(share);
      const took = tookMs(attempt++);
      const deadlineMs = timeoutMs * share;
      await sleep(clock, Math.min(took, deadlineMs));
      if (took === 0) return down;
      return took <= deadlineMs
        ? passing('primary')
        : { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs } };
    },
    onAlarm(listener: (seen?: ProbeReading) => void) {
      if (seenAtMs !== undefined)
        clock.after(seenAtMs, () =>
          listener({
            askedMs: clock.nowMs() - 540,
            result: { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: 540 } },
          }),
        );
    },
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
    model,
    catalogue,
    echoes: noEchoes,
    rivals: noRivals,
    clock,
    log,
    remembered: undefined,
    onChange: () => {},
    onProbeDue: (share) => prober.hurry(share),
  });
  catalogue.start();
  prober.start();
  /** When it became critical, if it did, and what the check said then and later. */
  const watch = async (forMs: number) => {
    let criticalMs: number | undefined;
    const texts = new Set<string>();
    for (let ms = 0; ms < forMs; ms += 10) {
      await clock.advance(10);
      const check = consul.entry(model.id)?.check;
      if (check?.status !== 'critical' || check.text === '') continue;
      criticalMs ??= clock.nowMs();
      texts.add(check.text);
    }
    return { criticalMs, texts: [...texts], shares };
  };
  return { watch };
}

test('one log-in that is late is asked again at once with half the deadline, and nothing else happens', async () => {
  const { watch } = postgres((attempt) => (attempt === 2 ? 5_000 : 400));
  const { criticalMs, shares } = await watch(6_000);
  expect(criticalMs).toBeUndefined();
  expect(shares.slice(0, 5)).toEqual([1, 1, 1, 0.5, 1]);
});

test('two in a row are critical 1.35 s after the first was asked, and the check goes on saying the same', async () => {
  const { watch } = postgres((attempt) => (attempt < 2 ? 10 : 5_000));
  const { criticalMs, texts } = await watch(8_000);
  expect(criticalMs).toBeGreaterThanOrEqual(2_000 + 1_350);
  expect(criticalMs).toBeLessThan(2_000 + 1_400);
  expect(texts).toHaveLength(1);
});

test('what a held session misses is the first miss: a probe confirms it, or does not', async () => {
  const frozen = await postgres((attempt) => (attempt < 3 ? 10 : 5_000), 2_300).watch(4_000);
  expect(frozen.criticalMs).toBeLessThan(2_300 + 500);
  const well = await postgres(() => 10, 2_300).watch(4_000);
  expect(well.criticalMs).toBeUndefined();
  expect(well.shares).toEqual([1, 1, 1, 0.5, 1]);
});

test('a refusal counts at once', async () => {
  const { criticalMs } = await postgres((attempt) => (attempt < 2 ? 10 : 0)).watch(3_000);
  expect(criticalMs).toBeLessThan(2_050);
});
