import { failoverKeys } from '../../../common/failover/keys.js';
import type { OrderRequest } from '../../../common/failover/report.js';
import type { FailoverOrder } from '../../../common/failover/shapes.js';
import type { World } from './world.js';

const keys = failoverKeys('pg');

const isAboutLost = (row: string | undefined) => row === 'record-lost' || row === 'epoch-behind';

/** Orders, and what somebody does who reads status. */
export class Operator {
  private orders = 0;

  constructor(
    private readonly world: World,
    private readonly random: () => number,
  ) {}

  order(order: FailoverOrder): boolean {
    const { consul, isObserved } = this.world;
    if (isObserved) return false;
    const now = consul.get(keys.order);
    const isPlaced =
      now.value === undefined &&
      consul.transact([{ verb: 'cas', key: keys.order, value: order, index: now.index }]);
    if (isPlaced) this.world.tell('operator', JSON.stringify(order));
    return isPlaced;
  }

  private get standing() {
    const { value, index } = this.world.consul.get(keys.order);
    return { order: value as FailoverOrder | undefined, index };
  }

  private withdraw(): void {
    this.world.consul.transact([{ verb: 'delete-cas', key: keys.order, index: this.standing.index }]);
    this.world.tell('operator', 'withdraws the order');
  }

  private get nextId(): string {
    return `order ${(this.orders += 1)}`;
  }

  private rowOf(name: string): string | undefined {
    return this.world.agent(name).last?.row;
  }

  switchover(to: string): void {
    const { world } = this;
    const from = world.members.find((name) => world.agent(name).published === 'primary');
    if (from !== undefined && from !== to && world.consul.get(keys.leader).session !== undefined)
      this.order({ kind: 'switchover', id: this.nextId, from, to, handedOver: false });
  }

  /** Somebody is about to stop the server there. */
  announceStop(member: string): void {
    const agent = this.world.agent(member);
    const judged = agent.judge({ kind: 'stopping' }, this.nextId);
    if (judged?.kind !== 'place') return;
    agent.beStopped();
    this.order(judged.order);
  }

  /** As a rule without a word that the old primary is off. */
  promote(to: string, oldPrimaryIsOff = false): void {
    if (this.world.record === undefined || this.world.server(to).data !== 'present') return;
    this.order({ kind: 'promote', id: this.nextId, to, oldPrimaryIsOff, recordLost: false });
  }

  /** `isPatienceOver`: says what it may lose. */
  look(isPatienceOver: boolean): void {
    this.rebuildStrays();
    this.recover(isPatienceOver);
    this.restartStranded();
    this.promoteRecorded(isPatienceOver);
    this.promoteBraked();
    this.promoteByHand();
    this.withdrawUseless();
  }

  /** An order that the ordered member cannot carry out. */
  private withdrawUseless(): void {
    const { order } = this.standing;
    if (order?.kind === 'promote' && this.world.server(order.to).data !== 'present') this.withdraw();
  }

  /** Nobody may be promoted by itself but the first of the record, which has lost data: then another of the record is ordered. */
  private promoteRecorded(isPatienceOver: boolean): void {
    const { members, record } = this.world;
    const isBelow = members.some((name) => this.rowOf(name) === 'below-floor');
    const other = record?.members.find(({ name }) => this.rowOf(name) !== 'below-floor');
    if (!isBelow) return;
    // The record names it alone: somebody says that what it has lost is lost, and takes another.
    const last = members.find(
      (name) => this.rowOf(name) !== 'below-floor' && this.world.server(name).isRunning,
    );
    const { order } = this.standing;
    if (!other && isPatienceOver && last !== undefined) {
      if (order === undefined) this.promote(last, true);
      else if (order.kind !== 'promote' || order.to !== last) this.withdraw();
    }
    if (!other) return;
    if (order === undefined) this.promote(other.name, isPatienceOver);
    else if (order.kind !== 'promote' || order.to !== other.name) this.withdraw();
  }

  /** After too many failovers nothing is promoted but by an order. */
  private promoteBraked(): void {
    const { members, record } = this.world;
    const heir = record?.members[1]?.name;
    if (heir !== undefined && members.some((name) => this.rowOf(name)?.startsWith('braked')))
      this.promote(heir);
  }

  /** What status says where no member is managed and none runs as a primary: then nothing goes on by itself. */
  private promoteByHand(): void {
    const { world } = this;
    const servers = world.members.map((name) => world.server(name));
    if (world.isObserved || world.record !== undefined || servers.some(({ isWritable }) => isWritable))
      return;
    if (world.members.some((name) => this.rowOf(name) !== 'unmanaged')) return;
    const [most] = servers.filter(({ isRunning }) => isRunning).sort((a, b) => b.flushed - a.flushed);
    if (!most) return;
    world.tell('operator', `promotes ${most.name} by hand`);
    most.promote(world.nextId);
    world.checker.opened(most);
  }

  /** What status says of a member in quarantine. */
  private rebuildStrays(): void {
    const { members, record } = this.world;
    // First there must be a primary again.
    const isLeaderless = (row: string | undefined) => row === 'below-floor' || isAboutLost(row);
    if (members.some((name) => isLeaderless(this.rowOf(name)))) return;
    for (const member of members) {
      const row = this.rowOf(member);
      const isNamed = record?.members.some(({ name }) => name === member);
      // Else it may be the only copy.
      const isLed = members.some((name) => {
        const pg = this.world.server(name);
        return this.world.agent(name).published === 'primary' && pg.isRunning && pg.gate === 'open';
      });
      if ((row === 'stray' || row === 'quarantined') && (isLed || !isNamed))
        this.order({ kind: 'rejoin', id: this.nextId, member, method: 'basebackup' });
    }
  }

  /** Consul's data was lost and the primary does not come back by itself: tries one after the other. */
  recover(isPatienceOver: boolean): void {
    const { world } = this;
    const rows = world.members.map((name) => this.rowOf(name));
    const isLost = rows.some(isAboutLost);
    if (this.standing.order !== undefined && (isLost || rows.includes('take-lost-wait')))
      return this.withdraw();
    if (world.nowMs - world.lostMs < 2_000 || !isLost) return;
    const to = isPatienceOver
      ? world.members.find((name) => world.server(name).managed && world.checker.hasAll(world.server(name)))
      : world.members[Math.floor(this.random() * world.members.length)];
    if (to === undefined) return;
    this.say({
      kind: 'promote',
      to,
      oldPrimaryIsOff: isPatienceOver,
      // One that saw no newer record drops such an order: it is promoted by the record that there is.
      recordLost: !isPatienceOver || isAboutLost(this.rowOf(to)),
    });
  }

  /** As `hotspare promote` does: the first agent that answers places the order, or says why not. */
  private say(request: OrderRequest): void {
    const id = this.nextId;
    const [judged] = this.world.members.flatMap((name) => this.world.agent(name).judge(request, id) ?? []);
    if (judged?.kind === 'place') this.order(judged.order);
    else if (judged?.kind === 'refuse') this.world.tell('operator', `is refused: ${judged.why}`);
  }

  /** A member behind its gate that no row will take anywhere. */
  private restartStranded(): void {
    for (const name of this.world.members) {
      const pg = this.world.server(name);
      const row = this.rowOf(name);
      const isStranded = row === 'observe' || row === 'record-lost';
      if (!pg.managed || pg.gate !== 'closed' || !pg.isWritable || !isStranded) continue;
      this.world.tell('operator', `restarts Postgres on ${name}`);
      pg.crash();
      pg.start();
    }
  }
}
