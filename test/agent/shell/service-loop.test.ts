import { expect, test } from 'vitest';
import { Catalogue } from '../../../agent/shell/catalogue.js';
import { ServiceLoop } from '../../../agent/shell/service-loop.js';
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
  const loop: ServiceLoop = new ServiceLoop({
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
  catalogue.start();
  /** Probes once a second for so many seconds. */
  const probe = async (result: Parameters<ServiceLoop['observe']>[0], seconds = 1) => {
    for (let second = 0; second < seconds; second++) {
      loop.observe(result);
      await clock.advance(1_000);
    }
  };
  return { clock, consul, log, catalogue, loop, probe };
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
  const { catalogue, consul, log, loop, probe } = box();
  await probe(passing('primary'), 3);
  consul.stop();
  await probe(down, 10);
  await probe(passing('replica'), 20);
  expect(loop.state).toMatchObject({ kind: 'passing', facts: { role: 'replica' } });
  expect(catalogue.link.kind).toBe('unreachable');
  expect(log.lines.filter((line) => line.includes('not reachable'))).toHaveLength(1);
  consul.start();
  await probe(passing('replica'), 3);
  expect(held(consul)).toBe('replica passing');
  expect(catalogue.link.kind).toBe('reachable');
  expect(catalogue.complaint).toBeUndefined();
});

test('a list that is refused is a sentence said once, and heals', async () => {
  const { catalogue, clock, consul, log, probe } = box();
  await clock.advance(100);
  consul.forbid('everything');
  await probe(passing('primary'), 60);
  expect(log.lines.filter((line) => line.includes('refused services'))).toHaveLength(1);
  expect(catalogue.complaint).toContain('may not');
  consul.start();
  await probe(passing('primary'), 25);
  expect(held(consul)).toBe('primary passing');
  expect(catalogue.complaint).toBeUndefined();
});

test('a registration that is refused is said once and tried less and less often, and heals', async () => {
  const { catalogue, consul, log, probe } = box();
  consul.forbid('writing');
  await probe(passing('primary'), 60);
  expect(log.lines.filter((line) => line.includes('may not'))).toHaveLength(1);
  expect(catalogue.complaint).toContain('may not');
  expect(catalogue.link.kind).toBe('reachable');
  const tries = consul.calls.filter((call) => call.startsWith('register')).length;
  expect(tries).toBeGreaterThan(3);
  expect(tries).toBeLessThan(15);
  consul.start();
  await probe(passing('primary'), 25);
  expect(held(consul)).toBe('primary passing');
  expect(catalogue.complaint).toBeUndefined();
});

test('a Consul that was away may refuse at first: nothing is complained of, and all is there at once', async () => {
  const { catalogue, consul, log, probe } = box();
  await probe(passing('primary'), 3);
  consul.stop();
  await probe(passing('primary'), 5);
  consul.forbid('everything');
  await probe(passing('primary'), 4);
  expect(catalogue.complaint).toBeUndefined();
  consul.start({ lostState: true });
  await probe(passing('primary'));
  expect(held(consul)).toBe('primary passing');
  expect(log.lines.filter((line) => line.includes('may not'))).toEqual([]);
});

test.each(['everything', 'writing'] as const)(
  'a Consul that was away and goes on refusing %s is complained of after a while',
  async (what) => {
    const { catalogue, consul, log, probe } = box();
    await probe(passing('primary'), 3);
    consul.stop();
    await probe(passing('primary'), 5);
    consul.forbid(what);
    await probe(passing('primary'), 40);
    expect(catalogue.complaint).toContain('may not');
    expect(log.lines.filter((line) => line.includes('may not'))).toHaveLength(1);
  },
);

test('an orderly stop retracts, and says so a moment before', async () => {
  const { clock, consul, loop, probe } = box();
  await probe(passing('primary'), 2);
  const stopped = loop.stop();
  await clock.advance(200);
  expect(held(consul)).toBe('primary critical');
  await clock.advance(200);
  await stopped;
  expect(held(consul)).toBeUndefined();
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
