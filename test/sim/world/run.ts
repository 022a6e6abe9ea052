import { nothingBroken, type Breakage } from './breakage.js';
import { World, type Violation } from './world.js';

export interface RunResult {
  readonly world: World;
  readonly violations: readonly Violation[];
}

/** How long faults go on, and how long the rest may take to heal, in simulated ms. */
const faultsMs = 30_000;
const healMs = 30_000;

/** One seed: faults and switchovers at random moments, then healing; then what must hold at the end is looked at. */
export function run(seed: number, broken: Breakage = nothingBroken): RunResult {
  // Every third with three members.
  const world = new World(seed, seed % 3 === 0 ? ['pg1', 'pg2', 'pg3'] : ['pg1', 'pg2'], broken);
  const settle = () => {
    for (let left = 100; left > 0; left -= 1) world.tick();
  };
  world.areFaultsOn = false;
  settle();
  world.areFaultsOn = true;
  const healing: { atMs: number; heal: () => void }[] = [];
  while (world.nowMs < faultsMs) {
    fault(world, (afterMs, heal) => healing.push({ atMs: world.nowMs + afterMs, heal }));
    for (const each of healing.splice(0)) {
      if (each.atMs <= world.nowMs) each.heal();
      else healing.push(each);
    }
    world.tick();
  }
  world.areFaultsOn = false;
  for (const { heal } of healing) heal();
  for (const name of world.members) world.server(name).stalledUntilMs = 0;
  const until = world.nowMs + healMs;
  while (world.nowMs < until && !isWell(world)) {
    if (world.nowMs % 1_000 === 0) world.rebuildStrays();
    world.tick();
  }
  settle();
  judge(world);
  return { world, violations: world.violations };
}

function fault(world: World, later: (afterMs: number, heal: () => void) => void): void {
  const chance = (perSecond: number) => world.random() < perSecond / 100;
  const member = () => world.pick(world.members);
  if (chance(0.5)) world.switchover();
  if (chance(0.3)) {
    const name = member();
    world.tell('fault', `Postgres on ${name} crashes`);
    world.server(name).crash();
    later(50 + world.random() * 2_000, () => world.server(name).start());
  }
  if (chance(0.3)) {
    const name = member();
    world.tell('fault', `the agent of ${name} is killed`);
    world.agent(name).die();
    later(50 + world.random() * 3_000, () => world.agent(name).start());
  }
  if (chance(0.15)) {
    const name = member();
    world.tell('fault', `sessions of ${name} are lost`);
    world.consul.endSessionsOf(name);
  }
  if (chance(0.15)) {
    const name = member();
    world.tell('fault', `the keeper of ${name} is away`);
    world.keeperDown.add(name);
    later(50 + world.random() * 3_000, () => world.keeperDown.delete(name));
  }
  if (chance(0.3)) {
    const name = member();
    world.tell('fault', `WAL stalls on the way to ${name}`);
    world.server(name).stalledUntilMs = world.nowMs + world.random() * 1_500;
  }
  if (chance(0.1)) {
    const pg = world.server(member());
    if (pg.isRunning && !pg.isWritable && pg.managed) {
      world.tell('fault', `somebody promotes ${pg.name} by hand`);
      pg.promote(world.nextId);
    }
  }
  if (chance(0.2)) world.rebuildStrays();
  // Every fourth world has an operator who promotes.
  if (world.seed % 4 === 0 && chance(0.1)) world.promote();
  if (chance(0.1)) {
    world.tell('fault', 'Consul is away');
    world.consul.isUp = false;
    later(50 + world.random() * 3_000, () => (world.consul.isUp = true));
  }
}

const primaries = (world: World) => world.members.filter((name) => world.agent(name).published === 'primary');

function isWell(world: World): boolean {
  const [primary, ...more] = primaries(world);
  if (primary === undefined || more.length > 0 || world.isOrdered) return false;
  const pg = world.server(primary);
  return (
    pg.isRunning &&
    pg.isWritable &&
    pg.gate === 'open' &&
    pg.drainUntilMs === undefined &&
    world.members.every((name) => {
      if (name === primary) return true;
      const other = world.server(name);
      return (
        other.isRunning &&
        !other.isWritable &&
        other.streaming &&
        other.source === primary &&
        world.agent(name).published === 'replica'
      );
    })
  );
}

function judge(world: World): void {
  if (!isWell(world))
    world.violate('6', 'after the faults it does not become one primary that all others follow');
  const [primary] = primaries(world);
  if (primary === undefined || world.isLossAccepted) return;
  const kept = new Set(world.server(primary).wal.map(({ write }) => write));
  const lost = [...world.acknowledged].filter((write) => !kept.has(write));
  if (lost.length > 0) world.violate('2', `${lost.length} acknowledged writes are lost`);
}
