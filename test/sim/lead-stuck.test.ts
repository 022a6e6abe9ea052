import { expect, test } from 'vitest';
import type { Self } from '../../agent/core/lead/model.js';
import { failoverKeys } from '../../common/failover/keys.js';
import type { Leader } from '../../common/failover/shapes.js';
import { asyncPolicy } from './world/agent.js';
import { nothingBroken } from './world/breakage.js';
import { World } from './world/world.js';

/** Orders that cannot be carried out: none of them stands for ever, and writes come back. */

const keys = failoverKeys('pg');

/** A world in which nothing happens but what a test does to it, once it leads. */
function calm(policy = asyncPolicy, prepare: (world: World) => void = () => {}): World {
  const members = ['pg1', 'pg2'];
  const world = new World(
    { seed: 7, members, policy, isControlOnly: false, unanswered: 0, late: 0 },
    nothingBroken,
  );
  world.areFaultsOn = false;
  prepare(world);
  pass(world, 5_000);
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
const switchover = { kind: 'switchover', id: 'x', from: 'pg1', to: 'pg2', handedOver: false } as const;

test.each([
  ['before it is promoted', (world: World) => world.consul.get(keys.leader).session !== undefined],
  ['once its promotion has begun', (world: World) => world.keeper('pg2').isBusy],
  ['once it is promoted behind its gate', (world: World) => world.server('pg2').isWritable],
])(
  'the target of a switchover that takes the lease and loses its keeper %s lets the lease go',
  (_, isReached) => {
    const world = calm();
    world.operator.order(switchover);
    const isTaken = () => (world.consul.get(keys.leader).value as Leader).member === 'pg2';
    until(world, 'the target takes the lease', () => isTaken() && isReached(world));
    world.killKeeper('pg2');
    until(world, 'the old primary goes on', () => leads(world, 'pg1') && !world.isOrdered);
    world.keeperDown.delete('pg2');
    until(world, 'the target follows', () => world.agent('pg2').last?.row === 'following');
    expect(world.agent('pg1').ledger.held).toBe(1);
    expect(world.violations).toEqual([]);
  },
);

test('a target whose keeper is away for a moment keeps the lease, and is promoted', () => {
  const world = calm();
  world.operator.order(switchover);
  until(
    world,
    'the target takes the lease',
    () => (world.consul.get(keys.leader).value as Leader).member === 'pg2',
  );
  world.killKeeper('pg2');
  pass(world, 2_000);
  world.keeperDown.delete('pg2');
  until(world, 'the target leads', () => leads(world, 'pg2'));
  expect(world.violations).toEqual([]);
});

test('a switchover whose role cannot be taken out of the catalogue is given up', () => {
  const world = calm();
  Object.defineProperty(world.agent('pg1'), 'published', { get: () => 'primary', set: () => {} });
  world.operator.order(switchover);
  until(world, 'the gate is closed', () => world.server('pg1').gate === 'closed');
  until(world, 'the primary goes on', () => leads(world, 'pg1') && !world.isOrdered);
  pass(world, 1_000);
  expect(world.agent('pg1').last?.row).toBe('holder');
  expect(world.transcript.join('\n')).toContain('retract: ');
  expect(world.violations).toEqual([]);
});

/** A `sync` service whose standby was lost, and taken out of the record; then the primary wrote on. */
function alone(): World {
  const world = calm({ ...asyncPolicy, durability: 'sync' });
  expect(world.record?.members).toHaveLength(2);
  world.server('pg2').cutUntilMs = Infinity;
  until(world, 'the standby is taken out', () => world.record?.members.length === 1);
  pass(world, 2_000);
  expect(world.checker.hasAll(world.server('pg2'))).toBe(false);
  return world;
}
const promote = { kind: 'promote', id: 'x', to: 'pg2', oldPrimaryIsOff: false, recordLost: false } as const;

test('a member outside a sync record is not promoted while the fenced primary is known to have more', () => {
  const world = alone();
  world.operator.order(promote);
  until(world, 'the order is given up', () => !world.isOrdered);
  expect(world.server('pg2').isWritable).toBe(false);
  until(world, 'the old primary goes on', () => leads(world, 'pg1'));
  expect(world.checker.hasAll(world.server('pg1'))).toBe(true);
  expect(world.transcript.join('\n')).toContain('pg1 has commits that pg2 has not');
});

test('it is where the operator says that the old primary is off', () => {
  const world = alone();
  world.operator.order({ ...promote, oldPrimaryIsOff: true });
  until(world, 'it is promoted', () => leads(world, 'pg2'));
});

test('a standby whose replay is paused is not added to the record', () => {
  let isPaused = true;
  const world = calm({ ...asyncPolicy, durability: 'sync' }, (made) => {
    const pg2 = made.agent('pg2');
    const self = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(pg2), 'self')?.get;
    Object.defineProperty(pg2, 'self', {
      get: () => ({ ...(self?.call(pg2) as Self), replayPaused: isPaused }),
    });
  });
  expect(world.record?.members).toHaveLength(1);
  expect(world.agent('pg1').last?.sentence).toContain('pg_wal_replay_resume()');
  isPaused = false;
  until(world, 'it is added', () => world.record?.members.length === 2);
});
