import { expect, test } from 'vitest';
import type { Policy } from '../../common/failover/shapes.js';
import { asyncPolicy } from './world/agent.js';
import { nothingBroken } from './world/breakage.js';
import { World } from './world/world.js';

/** `promotion: auto` where something fails on the way: an operator is not needed while a recorded standby is well. */

function calm(change: Partial<Policy> = {}): World {
  const policy: Policy = { ...asyncPolicy, durability: 'sync', promotion: 'auto', ...change };
  const world = new World(
    { seed: 7, members: ['pg1', 'pg2'], policy, isControlOnly: false, unanswered: 0, late: 0 },
    nothingBroken,
  );
  world.areFaultsOn = false;
  pass(world, 5_000);
  expect(world.record?.members.map(({ name }) => name)).toEqual(['pg1', 'pg2']);
  return world;
}

function pass(world: World, ms: number): void {
  for (let left = ms; left > 0; left -= 10) world.tick();
}

function until(world: World, what: string, is: () => boolean): void {
  for (let left = 20_000; !is(); left -= 10) {
    expect(left, `${what}\n${world.transcript.slice(-30).join('\n')}`).toBeGreaterThan(0);
    world.tick();
  }
}

const leads = (world: World, member: string) => {
  const { isRunning, isWritable, gate } = world.server(member);
  return world.agent(member).published === 'primary' && isRunning && isWritable && gate === 'open';
};

/** The box is gone for good, and Consul has noticed it. */
function loseBox(world: World, name: string): void {
  world.tell('fault', `the box of ${name} is lost`);
  world.server(name).crash();
  world.agent(name).die();
  world.killKeeper(name);
  world.consul.endSessionsOf(name);
}

/** That member's keeper never gets that done. */
function failing(world: World, member: string, kind: string): void {
  const keeper = world.keeper(member);
  const perform = keeper['perform'].bind(keeper);
  keeper['perform'] = function* (action) {
    if (action.kind !== kind) return yield* perform(action);
    yield;
    return { kind: 'timed-out', why: 'it does not end' };
  };
}

test('a standby that was promoted and lost the lease before its record takes it again, and goes on', () => {
  const world = calm();
  loseBox(world, 'pg1');
  until(world, 'pg2 is promoted behind its gate', () => world.server('pg2').isWritable);
  world.consul.endSessionsOf('pg2');
  expect(world.record?.members[0]?.name).toBe('pg1');
  until(world, 'pg2 leads', () => leads(world, 'pg2'));
  expect(world.violations).toEqual([]);
});

test('as many failovers as the policy allows: an order to promote the standby is carried out though the old agent holds the lease', () => {
  const world = calm({ maxFailovers: 0 });
  world.server('pg1').crash();
  until(world, 'the brake', () => world.agent('pg1').last?.row === 'braked');
  pass(world, 3_000);
  expect(leads(world, 'pg2')).toBe(false);
  world.operator.promote('pg2');
  until(world, 'pg2 leads', () => leads(world, 'pg2'));
  expect(world.violations).toEqual([]);
});

test('a standby that cannot be promoted gives the old primary its turn', () => {
  const world = calm();
  failing(world, 'pg2', 'promote');
  world.tell('fault', 'Postgres on pg1 crashes');
  world.server('pg1').crash();
  until(world, 'pg2 tries', () => world.transcript.some((line) => line.includes('take-over')));
  world.server('pg1').start();
  until(world, 'pg1 leads again', () => leads(world, 'pg1'));
  expect(world.violations).toEqual([]);
});

test('a primary that hangs and cannot be fenced gives its lease away, and acknowledges nothing afterwards', () => {
  const world = calm();
  failing(world, 'pg1', 'fence');
  const self = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(world.agent('pg1')), 'self')?.get;
  Object.defineProperty(world.agent('pg1'), 'self', {
    get() {
      const seen = self?.call(this) as { kind: string };
      const isHung = world.server('pg1').hungUntilMs > world.nowMs;
      return isHung && seen.kind === 'known' ? { ...seen, position: undefined, statements: undefined } : seen;
    },
  });
  world.tell('fault', 'Postgres on pg1 hangs');
  world.server('pg1').hungUntilMs = Infinity;
  until(world, 'pg2 leads', () => leads(world, 'pg2'));
  world.server('pg1').hungUntilMs = 0;
  pass(world, 3_000);
  expect(world.violations).toEqual([]);
});
