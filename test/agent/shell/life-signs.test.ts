import { expect, test } from 'vitest';
import { LifeSigns, statusLine } from '../../../agent/shell/life-signs.js';
import type { AgentStatus } from '../../../common/agent/status.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';

const at = '2026-01-01T00:00:00.000Z';
function statusOf(state: 'passing' | 'critical', reachable = true): AgentStatus {
  const pg = { name: 'pg', kind: 'postgres', address: 'a', port: 1, since: at, detail: '' } as const;
  return {
    box: 'pg1',
    version: '1',
    startedAt: at,
    services: [{ ...pg, state, role: 'primary' }],
    consul: { reachable, since: at },
  };
}

function agent(watchdogMs: number | undefined = 30_000) {
  const clock = new ManualClock();
  const log = keptLog();
  const told: string[] = [];
  const world = { status: statusOf('passing'), moves: true };
  let progressMs = 0;
  const signs = new LifeSigns({
    notifier: {
      watchdogMs,
      ready: () => void told.push('ready'),
      status: (line) => void told.push(line),
      stopping: () => void told.push('stopping'),
      alive: () => void told.push('alive'),
    },
    clock,
    log,
    loops: () => {
      if (world.moves) progressMs = clock.nowMs();
      return [{ name: 'pg', progressMs, everyMs: 1_000 }];
    },
    status: () => world.status,
  });
  const during = async (ms: number) => {
    told.length = 0;
    await clock.advance(ms);
    return [...told];
  };
  return { clock, log, signs, told, world, during };
}

test('ready, then the status, then a sign of life at a third of the limit', async () => {
  const { signs, told, during } = agent();
  signs.start();
  expect(told).toEqual(['ready', 'alive', 'pg (primary) passing, Consul reachable']);
  expect(await during(9_999)).toEqual([]);
  expect(await during(20_001)).toEqual(['alive', 'alive', 'alive']);
});

test('a change of the status is told once, at once or with the next beat', async () => {
  const { signs, told, world, during } = agent();
  signs.start();
  told.length = 0;
  world.status = statusOf('critical');
  signs.changed();
  signs.changed();
  expect(told).toEqual(['pg (primary) critical, Consul reachable']);
  world.status = statusOf('critical', false);
  expect(await during(10_000)).toEqual(['alive', 'pg (primary) critical, Consul not reachable']);
});

test('a loop that hangs starves the watchdog, says so once, and feeds it again when it moves', async () => {
  const { signs, log, world, during } = agent();
  signs.start();
  world.moves = false;
  expect(await during(10_000)).toEqual(['alive']);
  expect(await during(60_000)).toEqual([]);
  expect(log.lines).toEqual([expect.stringMatching(/error: the loop of pg hangs/)]);
  world.moves = true;
  expect(await during(10_000)).toEqual(['alive']);
});

test('after the stop no sign of life comes', async () => {
  const { signs, told, during } = agent();
  signs.start();
  signs.stop();
  expect(told.at(-1)).toBe('stopping');
  signs.changed();
  expect(await during(60_000)).toEqual([]);
});

test('a box without services', () => {
  expect(statusLine({ ...statusOf('passing'), services: [] })).toBe('Consul reachable');
});
