import { expect, test } from 'vitest';
import type { ProbeResult } from '../../../agent/core/model.js';
import { sleep } from '../../../common/clock.js';
import { Catalogue } from '../../../agent/shell/catalogue.js';
import { ControlLoop } from '../../../agent/shell/control-loop.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { down, model, noEchoes, noRivals, passing } from '../builders.js';

function box() {
  const clock = new ManualClock();
  const consul = new FakeConsul();
  const log = keptLog();
  const catalogue: Catalogue = new Catalogue({
    consul,
    clock,
    random: () => 0.5,
    log,
    onChange: () => loop.wake(),
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
    onProbeDue: () => {},
  });
  consul.onNewToken(() => loop.tokenReplaced());
  catalogue.start();
  /** Probes once a second for so many seconds. */
  const probe = async (result: ProbeResult, seconds = 1) => {
    for (let second = 0; second < seconds; second++) {
      loop.observe({ askedMs: clock.nowMs(), result });
      await clock.advance(1_000);
    }
  };
  const complaint = () => catalogue.complaint ?? loop.complaint;
  return { clock, consul, log, catalogue, complaint, loop, probe };
}

const held = (consul: FakeConsul) => {
  const entry = consul.entry('pg@pg1');
  return entry && `${entry.tags.join()} ${entry.check?.status}`;
};

test('registers after the first probe, not before', async () => {
  const { clock, consul, probe } = box();
  await clock.advance(3_000);
  expect(held(consul)).toBeUndefined();
  await probe(passing('primary'));
  expect(held(consul)).toBe('primary passing');
});

test('in quiet times it refreshes the check and does nothing else', async () => {
  const { consul, probe } = box();
  await probe(passing('primary'), 2);
  consul.calls.length = 0;
  await probe(passing('primary'), 30);
  expect(new Set(consul.calls)).toEqual(new Set(['services', 'update-check pg@pg1 passing']));
  expect(consul.calls.filter((call) => call.startsWith('update')).length).toBeLessThanOrEqual(11);
});

test('Consul that restarts without its state gets everything again within a refresh', async () => {
  const { consul, probe } = box();
  await probe(passing('primary'), 3);
  consul.start({ lostState: true });
  await probe(passing('primary'), 5);
  expect(held(consul)).toBe('primary passing');
});

test('while Consul is away it goes on deciding, says so once, and catches up', async () => {
  const { catalogue, complaint, consul, log, loop, probe } = box();
  await probe(passing('primary'), 3);
  consul.stop();
  await probe(down, 10);
  await probe(passing('replica'), 20);
  expect(loop.health).toMatchObject({ kind: 'passing', facts: { role: 'replica' } });
  expect(catalogue.link.kind).toBe('unreachable');
  expect(log.lines.filter((line) => line.includes('not reachable'))).toHaveLength(1);
  consul.start();
  await probe(passing('replica'), 3);
  expect(held(consul)).toBe('replica passing');
  expect(catalogue.link.kind).toBe('reachable');
  expect(complaint()).toBeUndefined();
});

test('a list that is refused is a sentence said once, and heals', async () => {
  const { clock, complaint, consul, log, probe } = box();
  await clock.advance(100);
  consul.forbid('everything');
  await probe(passing('primary'), 60);
  expect(log.lines.filter((line) => line.includes('refused services'))).toHaveLength(1);
  expect(complaint()).toContain('may not');
  consul.start();
  await probe(passing('primary'), 25);
  expect(held(consul)).toBe('primary passing');
  expect(complaint()).toBeUndefined();
});

test('a registration that is refused is said once and tried less and less often, and heals', async () => {
  const { catalogue, complaint, consul, log, probe } = box();
  consul.forbid('writing');
  await probe(passing('primary'), 60);
  expect(log.lines.filter((line) => line.includes('may not'))).toHaveLength(1);
  expect(complaint()).toContain('may not');
  expect(catalogue.link.kind).toBe('reachable');
  const tries = consul.calls.filter((call) => call.startsWith('register')).length;
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(15);
  consul.start();
  await probe(passing('primary'), 25);
  expect(held(consul)).toBe('primary passing');
  expect(complaint()).toBeUndefined();
});

test('a Consul that was away may refuse at first: nothing is complained of, and all is there at once', async () => {
  const { complaint, consul, log, probe } = box();
  await probe(passing('primary'), 3);
  consul.stop();
  await probe(passing('primary'), 5);
  consul.forbid('everything');
  await probe(passing('primary'), 4);
  expect(complaint()).toBeUndefined();
  consul.start({ lostState: true });
  await probe(passing('primary'));
  expect(held(consul)).toBe('primary passing');
  expect(log.lines.filter((line) => line.includes('may not'))).toEqual([]);
});

test.each(['everything', 'writing'] as const)(
  'a Consul that was away and goes on refusing %s is complained of after a while',
  async (what) => {
    const { complaint, consul, log, probe } = box();
    await probe(passing('primary'), 3);
    consul.stop();
    await probe(passing('primary'), 5);
    consul.forbid(what);
    await probe(passing('primary'), 40);
    expect(complaint()).toContain('may not');
    expect(log.lines.filter((line) => line.includes('may not'))).toHaveLength(1);
  },
);

test('an orderly stop refreshes the check once more, and leaves all as it is', async () => {
  const { clock, consul, loop, probe } = box();
  await probe(passing('primary'), 2);
  consul.calls.length = 0;
  await loop.stop();
  expect(held(consul)).toBe('primary passing');
  expect(consul.calls).toEqual(['update-check pg@pg1 passing']);
  await clock.advance(60_000);
  expect(consul.calls.filter((call) => call.startsWith('update'))).toHaveLength(1);
});

test('a refresh comes by itself, without a probe, until what was probed is too old', async () => {
  const { clock, consul, probe } = box();
  await probe(passing('primary'), 2);
  consul.calls.length = 0;
  const refreshes = () => consul.calls.filter((call) => call === 'update-check pg@pg1 passing').length;
  await clock.advance(12_000);
  expect(refreshes()).toBeGreaterThanOrEqual(3);
  await clock.advance(4_000);
  consul.calls.length = 0;
  await clock.advance(60_000);
  expect(refreshes()).toBe(0);
});

test('one action at a time: what is seen during one decides what comes after it', async () => {
  const { clock, consul, loop } = box();
  const see = (result: ProbeResult) => loop.observe({ askedMs: clock.nowMs(), result });
  await clock.advance(100);
  consul.tookMs = (call) => sleep(clock, call === 'services' ? 0 : 1_900);
  see(passing('primary'));
  await clock.advance(1_000);
  see(down);
  await clock.advance(1_000);
  see(down);
  await clock.advance(5_000);
  expect(consul.calls.filter((call) => call !== 'services').slice(0, 2)).toEqual([
    'register pg@pg1 [primary]',
    'update-check pg@pg1 critical',
  ]);
  expect(consul.calls).not.toContain('update-check pg@pg1 passing');
});

test('a list that was asked for before a write ended does not take it back', async () => {
  const { clock, consul, loop, probe } = box();
  await probe(passing('primary'), 4);
  // The next list is asked for while the member is well, and comes after its death was written.
  consul.tookMs = (call) => sleep(clock, call === 'services' ? 1_500 : 0);
  await clock.advance(1_100);
  expect(consul.calls.at(-1)).toBe('services');
  loop.observe({ askedMs: clock.nowMs(), result: down });
  await clock.advance(2_000);
  expect(held(consul)).toBe('primary critical');
  expect(consul.calls.filter((call) => call.endsWith('critical'))).toHaveLength(1);
});

test("a fault in the decision is no trouble of Consul's: it reaches whoever woke the loop", async () => {
  const { clock, log, loop } = box();
  await clock.advance(100);
  const nonsense = { kind: 'nonsense' } as unknown as ProbeResult;
  expect(() => loop.observe({ askedMs: 0, result: nonsense })).toThrow(
    expect.objectContaining({
      message: "the agent's decision about pg failed",
      cause: expect.objectContaining({ message: 'unexpected value: {"kind":"nonsense"}' }) as Error,
    }) as Error,
  );
  expect(log.lines).toEqual([]);
});

test('an orderly stop without Consul ends all the same', async () => {
  const { consul, loop, probe } = box();
  await probe(passing('primary'), 2);
  consul.stop();
  await loop.stop();
  expect(held(consul)).toBe('primary passing');
});

test('log lines are for changes', async () => {
  const { log, probe } = box();
  await probe(passing('primary'), 10);
  await probe(down, 10);
  await probe(passing('primary'), 10);
  expect(log.lines).toEqual([
    'info: serving as primary',
    'info: registering: Consul has no such service',
    'warn: connection refused: nothing listens there',
    'info: serving as primary',
  ]);
});
