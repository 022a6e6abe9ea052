import type { Deed, What } from './deeds.js';
import type { World } from './world.js';

type Later = (afterMs: number, what: () => void) => void;
type Doing = (world: World, deed: Deed, later: Later) => void;

const pick = <T>(from: readonly T[], luck: number): T | undefined => from[Math.floor(luck * from.length)];

/** How each deed is done, where it makes sense by then. `later`: how what it took away comes back. */
const doings: Readonly<Record<What, Doing>> = {
  switchover: (world, { member }) => world.operator.switchover(member),
  crash: (world, { member, forMs }, later) => {
    world.tell('fault', `Postgres on ${member} crashes`);
    world.server(member).crash();
    later(forMs, () => world.server(member).start());
  },
  'kill-postmaster': (world, { member, forMs }, later) => {
    const pg = world.server(member);
    if (!pg.isRunning) return;
    world.tell('fault', `the postmaster on ${member} is killed alone`);
    pg.losePostmaster(world.nowMs + forMs / 2);
    later(forMs, () => pg.start());
  },
  'kill-agent': (world, { member, forMs }, later) => {
    world.tell('fault', `the agent of ${member} is killed`);
    world.agent(member).die();
    later(forMs, () => world.agent(member).start());
  },
  'lose-sessions': (world, { member }) => {
    world.tell('fault', `sessions of ${member} are lost`);
    world.consul.endSessionsOf(member);
  },
  'keeper-away': (world, { member, forMs }, later) => {
    world.tell('fault', `the keeper of ${member} is away`);
    world.killKeeper(member);
    later(forMs, () => world.keeperDown.delete(member));
  },
  stall: (world, { member, forMs }) => {
    world.tell('fault', `WAL stalls on the way to ${member}`);
    world.server(member).stalledUntilMs = world.nowMs + forMs;
  },
  cut: (world, { member, forMs }) => {
    world.tell('fault', `${member} is cut off from whom it follows`);
    world.server(member).cutUntilMs = world.nowMs + forMs;
  },
  'cut-off-agent': (world, { member, forMs, noticedMs }, later) => {
    world.tell('fault', `the agent of ${member} is cut off from Consul`);
    world.cutOff.add(member);
    later(noticedMs, () => {
      if (world.cutOff.has(member)) world.consul.endSessionsOf(member);
    });
    later(forMs, () => world.cutOff.delete(member));
  },
  'change-policy': (world, { luck }) => {
    const { durability, strict } = world.policy;
    world.setPolicy(
      durability === 'async'
        ? { durability: 'sync' }
        : luck < 0.5
          ? { durability: 'async' }
          : { strict: !strict },
    );
  },
  'promote-recorded': (world, { luck }) => {
    const to = pick(world.record?.members ?? [], luck);
    if (to) world.operator.promote(to.name);
  },
  impostor: (world, { member, luck }) => {
    const pg = world.server(member);
    if (!pg.isRunning || !pg.isWritable) return;
    const half = luck * 2;
    const other = pick(
      world.members.filter((name) => name !== member),
      half % 1,
    ) as string;
    const { incarnation } = world.server(other);
    world.impostor(pg, half < 1 ? other : `${other}.i${incarnation - 1}`);
  },
  'restore-box': restoreBox,
  'switch-off': ({ boxes }, deed, later) => boxes.switchOff(deed, later),
  freeze: ({ boxes }, deed, later) => boxes.freeze(deed, later),
  isolate: ({ boxes }, deed, later) => boxes.isolate(deed, later),
  hang: (world, { member, forMs }) => {
    const pg = world.server(member);
    if (!pg.isRunning || !pg.isWritable || !pg.managed) return;
    world.tell('fault', `Postgres on ${member} hangs`);
    pg.hungUntilMs = world.nowMs + forMs;
  },
  'promote-by-hand': (world, { member }) => {
    const pg = world.server(member);
    // While roles are observed it would acknowledge, as without hotspare.
    if (!pg.isRunning || pg.isWritable || !pg.managed || !world.keeper(member).isShut || world.isObserved)
      return;
    world.tell('fault', `somebody promotes ${member} by hand`);
    pg.promote(world.nextId);
  },
  operate: (world) => world.operator.look(false),
  'lose-consul': (world) => world.loseConsul(),
  'restore-consul': (world) => world.restoreConsul(),
  observe: (world, { forMs }, later) => {
    world.setPolicy({ roles: 'observe' });
    later(forMs, () => world.setPolicy({ roles: 'managed' }));
  },
  'sessions-unread': (world, { member, forMs }, later) => {
    world.tell('fault', `sessions cannot be looked up on ${member}`);
    world.sessionsUnread.add(member);
    later(forMs, () => world.sessionsUnread.delete(member));
  },
  promote: (world, { member }) => world.operator.promote(member),
  'consul-away': (world, { forMs }, later) => {
    world.tell('fault', 'Consul is away');
    world.consul.isUp = false;
    later(forMs, () => (world.consul.isUp = true));
  },
  stop: (world, { member, forMs, luck }, later) => {
    const pg = world.server(member);
    if (!pg.isRunning) return;
    world.operator.announceStop(member);
    // Whoever stops it does not wait for ever.
    const inMs = 100 + luck * 2_000;
    later(inMs, () => {
      world.tell('fault', `Postgres on ${member} is stopped`);
      pg.crash();
    });
    later(inMs + forMs, () => pg.start());
  },
};

export const carryOut = (world: World, deed: Deed, later: Later): void =>
  doings[deed.what](world, deed, later);

function restoreBox(world: World, { luck }: Deed): void {
  const { record, policy } = world;
  // Where the policy has become async, and the record not yet, nothing is promised any more.
  if (policy.durability === 'async') return;
  const floor = record?.floor?.split('/').at(-1);
  if (floor === undefined || !record || record.members.length < 2) return;
  const share = luck * record.members.length;
  const pg = world.server(pick(record.members, luck)?.name ?? '');
  // No more than one in a world at a time: with the only whole copy all would be gone.
  const length = Number.parseInt(floor, 16) - 1 - Math.floor((share % 1) * 5);
  const isOfToday = length > Number.parseInt(pg.forks.at(-1)?.lsn.split('/').at(-1) ?? '0', 16) + 1;
  if (
    pg.data === 'present' &&
    length < pg.flushed &&
    isOfToday &&
    world.members.some((each) => each !== pg.name && world.checker.hasAll(world.server(each))) &&
    world.members.every((each) => !world.server(each).wasRestored)
  ) {
    world.tell('fault', `the box of ${pg.name} is restored from an older copy`);
    pg.restore(length);
    pg.startAtMs = world.nowMs + 100 + (share % 1) * 400;
  }
}
