import type { FailoverOrder, Record } from '../../../common/failover/shapes.js';
import type { Commit, SimPostgres } from './postgres.js';
import type { World } from './world.js';

/** Stands outside: what was acknowledged, by whom, and who must have it. */
export class Checker {
  /** Writes that must never be lost, with the record of WAL that each is. */
  private readonly must = new Map<number, Commit>();
  /** The number of openings by promotion so far, and which each member had last. */
  private newestOpening = 0;
  private readonly openingOf = new Map<string, { timeline: string; number: number }>();
  /** Consul's data was lost or restored: until the next record, who is in it is not what was written last. */
  isRecordDoubtful = false;

  private failoversMs: readonly number[] = [];

  constructor(private readonly world: World) {}

  /** Whether it is another opening than the last one of that member. */
  opened(pg: SimPostgres): boolean {
    // Two of a member's promotions may have begun timelines of one number.
    const timeline = `${pg.timeline} ${pg.forks.at(-1)?.mark ?? ''}`;
    if (this.openingOf.get(pg.name)?.timeline === timeline) return false;
    this.newestOpening += 1;
    this.openingOf.set(pg.name, { timeline, number: this.newestOpening });
    return true;
  }

  /** More than that was done to the world (5); and where nothing was done but to agents, keepers, sessions and Consul (7). */
  roleMoved(name: string): void {
    const { world } = this;
    if (world.roleChanges - 1 > world.deeds)
      world.violate(
        '5',
        `${name} opens its gate: ${world.roleChanges - 1} role changes, ${world.deeds} deeds`,
      );
    if (world.scenario.isControlOnly && world.roleChanges > 1)
      world.violate('7', `${name} opens its gate, and no server was lost`);
  }

  publishedPrimary(name: string): void {
    const { world } = this;
    if ((this.openingOf.get(name)?.number ?? 0) < this.newestOpening)
      world.violate('4', `${name} is published as the primary and is not`);
  }

  acknowledged(pg: SimPostgres, commit: Commit, write: number): void {
    this.must.set(write, commit);
    if ((this.openingOf.get(pg.name)?.number ?? 0) < this.newestOpening)
      this.world.violate('1', `${pg.name} acknowledges after a newer primary has opened its gate`);
    const { record } = this.world;
    if (record?.durability !== 'sync' || this.isRecordDoubtful) return;
    for (const member of this.copiesIn(record))
      // One that was restored, and has caught up beyond the floor, is found out when the primary looks at it next.
      if (!member.wasRestored && !has(member, commit))
        this.world.violate(
          '3',
          `${member.name} is in the record and has not ${write}, which ${pg.name} acknowledges`,
        );
  }

  /** The copies that the record means, where they still exist. */
  private copiesIn({ members }: Record): SimPostgres[] {
    return members
      .map(({ name, incarnation }) => ({ pg: this.world.server(name), incarnation }))
      .filter(({ pg, incarnation }) => pg.data === 'present' && `i${pg.incarnation}` === incarnation)
      .map(({ pg }) => pg);
  }

  lost(pg: SimPostgres): number[] {
    return [...this.must].filter(([, commit]) => !has(pg, commit)).map(([write]) => write);
  }

  hasAll(pg: SimPostgres): boolean {
    return pg.data === 'present' && pg.isRunning && this.lost(pg).length === 0;
  }

  recordWritten(before: Record | undefined, now: Record | undefined, order: FailoverOrder | undefined): void {
    if (!now) return;
    // Failovers of before are forgotten with the record.
    if (this.isRecordDoubtful) this.failoversMs = [];
    const first = now.members[0]?.name ?? '';
    if (before && now.epoch > before.epoch) {
      this.brake(before, first, order);
      this.promoted(before, first, order);
    } else if (now.durability === 'sync')
      for (const member of this.copiesIn(now)) {
        const isWhole = this.lost(member).length === 0;
        if (isWhole) member.wasRestored = false;
        else if (!member.wasRestored)
          this.world.violate('3', `${member.name} comes into the record and lacks acknowledged writes`);
      }
    this.isRecordDoubtful = false;
  }

  /** So many promotions without an order are enough (L7). */
  private brake(before: Record, name: string, order: FailoverOrder | undefined): void {
    if (before.members[0]?.name === name || order !== undefined) return;
    const { nowMs, policy } = this.world;
    this.failoversMs = [...this.failoversMs, nowMs].filter((atMs) => nowMs - atMs < 600_000);
    if (this.failoversMs.length > (policy.maxFailovers ?? 3))
      this.world.violate('5', `${name} is the failover number ${this.failoversMs.length} in 10 minutes`);
  }

  /** What an operator gave up by the order is not asked for any more; anything else must be there. */
  private promoted(before: Record, name: string, order: FailoverOrder | undefined): void {
    const pg = this.world.server(name);
    const lost = this.lost(pg);
    if (lost.length === 0) return;
    const isOrdered = order?.kind === 'promote' && order.to === name && !order.recordLost;
    const isFirst = before.members[0]?.name === name;
    const isNamed =
      before.durability === 'sync' &&
      before.members.some((each) => each.name === name && each.incarnation === `i${pg.incarnation}`);
    const isAccepted = isOrdered && !isFirst && (!isNamed || this.isRecordDoubtful || order.oldPrimaryIsOff);
    // What a restored box has caught up with since is not known to anybody: the floor tells only what it has not.
    if (!isAccepted && !(pg.wasRestored && !isFirst))
      this.world.violate('2', `${name} is promoted without ${lost.length} acknowledged writes`);
    for (const write of lost) this.must.delete(write);
  }
}

const has = ({ wal }: SimPostgres, { at, id }: Commit): boolean => wal[at - 1]?.id === id;
