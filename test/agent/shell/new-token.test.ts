import { expect, test } from 'vitest';
import { Catalogue } from '../../../agent/shell/catalogue.js';
import { ControlLoop } from '../../../agent/shell/control-loop.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { down, model, noEchoes, noRivals } from '../builders.js';

/** What Consul refuses to the old token: tried again when another stands in its file, and not when a pause is over. */

function refusing(what: 'everything' | 'writing') {
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
    model: { ...model, probeStaleMs: Infinity },
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
  consul.forbid(what);
  catalogue.start();
  loop.observe({ askedMs: 0, result: down });
  return { catalogue, clock, consul, loop };
}

test.each(['everything', 'writing'] as const)('%s was refused for a minute', async (what) => {
  const { catalogue, clock, consul, loop } = refusing(what);
  await clock.advance(60_000);
  const quietly = consul.calls.length;
  await clock.advance(1_000);
  // It waits: the next try is not due, so what follows is due to the token.
  expect(consul.calls.filter((call) => call.startsWith('register')).length).toBeLessThan(20);
  expect(consul.calls.length - quietly).toBeLessThan(5);
  expect(catalogue.complaint ?? loop.complaint).toContain('may not');
  consul.replaceToken();
  await clock.advance(50);
  expect(consul.entry('pg@pg1')).toBeDefined();
  catalogue.stop();
});

test('nothing was refused: another token is no reason to ask', async () => {
  const { clock, consul } = refusing('writing');
  consul.start();
  await clock.advance(1_000);
  const before = consul.calls.length;
  consul.replaceToken();
  await clock.advance(50);
  expect(consul.calls.length).toBe(before);
});
