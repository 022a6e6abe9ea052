import { nothingBroken, type Breakage } from './breakage.js';
import { faultsMs, scenarioOf, type Scenario } from './deeds.js';
import { carryOut } from './interpret.js';
import type { SimPostgres } from './postgres.js';
import { World, type Violation } from './world.js';

export interface RunResult {
  readonly world: World;
  readonly violations: readonly Violation[];
}

/** How long what is left may take to heal, in simulated ms. */
const healMs = 30_000;

/** One seed: faults and switchovers at random moments, then healing; then what must hold at the end is looked at. */
export const run = (seed: number, broken: Breakage = nothingBroken, isEnough?: IsEnough): RunResult =>
  play(scenarioOf(seed, broken), broken, isEnough);

/** A violation after which the rest is of no interest. */
export type IsEnough = (violation: Violation) => boolean;

class Enough extends Error {}

/** The same again for the same scenario. */
export function play(
  scenario: Scenario,
  broken: Breakage = nothingBroken,
  isEnough: IsEnough = () => false,
): RunResult {
  const world = new World(scenario, broken, (violation) => {
    if (isEnough(violation)) throw new Enough();
  });
  try {
    live(world, scenario);
  } catch (error) {
    if (!(error instanceof Enough)) throw error;
  }
  return { world, violations: world.violations };
}

function live(world: World, { deeds, isControlOnly }: Scenario): void {
  const settle = () => {
    for (let left = 100; left > 0; left -= 1) world.tick();
  };
  world.areFaultsOn = false;
  settle();
  world.areFaultsOn = true;
  const roles = () => world.members.map((name) => world.agent(name).published).join(', ');
  const before = roles();
  const watch = () => {
    if (isControlOnly && roles() !== before && world.violations.length === 0)
      world.violate('7', `roles are ${roles()}, and no server was lost`);
  };
  const healing: { atMs: number; heal: () => void }[] = [];
  let next = 0;
  while (world.nowMs < faultsMs) {
    for (; (deeds[next]?.atMs ?? Infinity) <= world.nowMs; next += 1)
      carryOut(world, deeds[next]!, (afterMs, heal) => healing.push({ atMs: world.nowMs + afterMs, heal }));
    for (const each of healing.splice(0)) {
      if (each.atMs <= world.nowMs) each.heal();
      else healing.push(each);
    }
    world.tick();
    watch();
  }
  world.areFaultsOn = false;
  for (const { heal } of healing) heal();
  // A backup may have brought another one back.
  world.setPolicy({ ...world.firstPolicy });
  for (const name of world.members) world.server(name).stalledUntilMs = world.server(name).cutUntilMs = 0;
  const until = world.nowMs + healMs;
  let wellMs = 0;
  while (world.nowMs < until && wellMs < 1_000) {
    if (world.nowMs % 1_000 === 0) world.operator.look(world.nowMs > until - healMs / 2);
    world.tick();
    watch();
    wellMs = isWell(world) ? wellMs + 10 : 0;
  }
  judge(world);
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
    isAsWanted(world, pg) &&
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

/** Commits are where the policy says. */
function isAsWanted(world: World, pg: SimPostgres): boolean {
  const { policy, record } = world;
  const [, standby] = record?.members ?? [];
  return policy.durability === 'sync'
    ? record?.durability === 'sync' &&
        standby !== undefined &&
        standby.incarnation === `i${world.server(standby.name).incarnation}` &&
        pg.names.length === 1
    : record?.durability === 'async' && record.members.length === 1 && pg.names.length === 0;
}

function judge(world: World): void {
  if (!isWell(world))
    world.violate('6', 'after the faults it does not become one primary that all others follow');
  const [primary] = primaries(world);
  if (primary === undefined) return;
  const lost = world.checker.lost(world.server(primary));
  if (lost.length > 0) world.violate('2', `${lost.length} acknowledged writes are lost`);
}
