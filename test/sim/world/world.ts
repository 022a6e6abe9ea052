import type { LeadAction, LeadDecision, Outcome } from '../../../agent/core/lead/model.js';
import type { FailoverOrder } from '../../../common/failover/shapes.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import { seededRandom } from '../../support/random.js';
import { SimAgent } from './agent.js';
import { nothingBroken, type Breakage } from './breakage.js';
import { SimConsul, type Entry, type Op } from './consul.js';
import { SimPostgres } from './postgres.js';

const keys = failoverKeys('pg');

export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly what: string;
}

/** Members, their agents, Consul and clients, on one clock of 10 ms. Whatever happens is drawn from one seed. */
export class World {
  nowMs = 0;
  readonly consul = new SimConsul();
  readonly keeperDown = new Set<string>();
  readonly acknowledged = new Set<number>();
  readonly violations: Violation[] = [];
  /** What happened, one line each, the newest last. */
  readonly transcript: string[] = [];
  readonly random: () => number;
  roleChanges = 0;
  /** An operator promoted another member, and so accepted what that costs. */
  isLossAccepted = false;
  areFaultsOn = true;
  private ids = 0;
  private orders = 0;
  /** The number of openings by promotion so far, and which each member had last. */
  private newestOpening = 0;
  private readonly openingOf = new Map<string, { timeline: number; number: number }>();
  private late: { ops: readonly Op[]; atMs: number }[] = [];
  private old: { keys: ReadonlyMap<string, Entry>; atMs: number } = { keys: new Map(), atMs: -1 };
  private readonly servers = new Map<string, SimPostgres>();
  private readonly agents = new Map<string, SimAgent>();
  private readonly lastRow = new Map<string, string>();

  constructor(
    readonly seed: number,
    readonly members: readonly string[],
    readonly broken: Breakage = nothingBroken,
  ) {
    const random = seededRandom(seed);
    this.random = () => random();
    for (const name of members) {
      this.servers.set(name, new SimPostgres(name, broken.isGateOpenAtStart));
      this.agents.set(name, new SimAgent(this, name));
    }
    const [first, ...rest] = members.map((name) => this.server(name));
    first!.isRunning = true;
    first!.isWritable = true;
    first!.gate = 'open';
    for (const standby of rest) {
      standby.isRunning = true;
      standby.source = first!.name;
    }
    this.opened(first!.name);
  }

  server(name: string): SimPostgres {
    const found = this.servers.get(name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  agent(name: string): SimAgent {
    const found = this.agents.get(name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  nextId = () => (this.ids += 1);

  feedsOf(primary: string) {
    return [...this.servers.values()]
      .filter(({ source, streaming, isRunning }) => source === primary && streaming && isRunning)
      .map(({ name, incarnation, position }) => ({ name: `${name}.i${incarnation}`, position }));
  }

  /** A member's gate opens, or was open when all began. */
  opened(name: string): void {
    const pg = this.server(name);
    const last = this.openingOf.get(name);
    if (last?.timeline !== pg.timeline) {
      this.newestOpening += 1;
      this.roleChanges += 1;
      this.openingOf.set(name, { timeline: pg.timeline, number: this.newestOpening });
    }
    pg.gate = 'open';
    for (const write of pg.waiting.splice(0)) this.acknowledge(name, write);
  }

  /** What was there since that time, if not now: all reads are consistent, and an answer may be slow. */
  keysSince(ms: number): ReadonlyMap<string, Entry> {
    if (this.areFaultsOn && this.random() < 0.1 && this.old.atMs >= ms) return this.old.keys;
    return this.consul.snapshot();
  }

  transact(ops: readonly Op[], action: LeadAction): Outcome {
    if (!this.consul.isUp) return { kind: 'unconfirmed', action, why: 'no answer' };
    if (this.areFaultsOn && this.random() < this.broken.unanswered) {
      if (this.random() < 0.7) this.late.push({ ops, atMs: this.nowMs + this.random() * 3_000 });
      return { kind: 'unconfirmed', action, why: 'no answer in time' };
    }
    return this.consul.transact(ops)
      ? { kind: 'done', action }
      : { kind: 'refused', action, why: 'it has changed', reason: 'conflict' };
  }

  order(order: FailoverOrder): boolean {
    const now = this.consul.get(keys.order);
    const isPlaced =
      now.value === undefined &&
      this.consul.transact([{ verb: 'cas', key: keys.order, value: order, index: now.index }]);
    if (isPlaced) this.tell('operator', JSON.stringify(order));
    return isPlaced;
  }

  get isOrdered(): boolean {
    return this.consul.get(keys.order).value !== undefined;
  }

  switchover(): void {
    const to = this.pick(this.members);
    const from = this.members.find((name) => this.agent(name).published === 'primary');
    if (from !== undefined && from !== to)
      this.order({ kind: 'switchover', id: `order ${(this.orders += 1)}`, from, to, handedOver: false });
  }

  /** Without a word that the old primary is off; in `async` what only that one has is given up by it. */
  promote(): void {
    const to = this.pick(this.members);
    const isPlaced = this.order({
      kind: 'promote',
      id: `order ${(this.orders += 1)}`,
      to,
      oldPrimaryIsOff: false,
      recordLost: false,
    });
    if (isPlaced) this.isLossAccepted = true;
  }

  /** What an operator does whom status tells that a member is in quarantine. */
  rebuildStrays(): void {
    for (const member of this.members) {
      const row = this.agent(member).last?.row;
      if (row === 'stray' || row === 'quarantined')
        this.order({ kind: 'rejoin', id: `order ${(this.orders += 1)}`, member, method: 'basebackup' });
    }
  }

  heard(member: string, { row, sentence, action }: LeadDecision): void {
    if (this.lastRow.get(member) === row && action === undefined) return;
    this.lastRow.set(member, row);
    this.tell(member, `${row}: ${sentence}${action ? ` -> ${action.kind}` : ''}`);
  }

  tell(who: string, what: string): void {
    this.transcript.push(`${String(this.nowMs).padStart(7)} ${who.padEnd(8)} ${what}`);
  }

  pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.random() * from.length)] as T;
  }

  tick(): void {
    this.nowMs += 10;
    if (this.random() < 0.05) this.old = { keys: this.consul.snapshot(), atMs: this.nowMs };
    const due = this.late.filter(({ atMs }) => atMs <= this.nowMs);
    this.late = this.late.filter(({ atMs }) => atMs > this.nowMs);
    for (const { ops } of due)
      if (this.consul.transact(ops)) this.tell('consul', 'a late transaction was applied');
    for (const pg of this.servers.values()) this.postgres(pg);
    for (const agent of this.agents.values()) if (this.random() < 0.6) agent.step();
    for (const pg of this.servers.values()) this.client(pg);
  }

  private postgres(pg: SimPostgres): void {
    if (pg.startAtMs !== undefined && this.nowMs >= pg.startAtMs) {
      pg.startAtMs = undefined;
      pg.start();
    }
    if (pg.gate === 'hold' && this.nowMs >= pg.holdUntilMs && !this.keeperDown.has(pg.name))
      this.opened(pg.name);
    if (pg.drainUntilMs !== undefined && this.nowMs >= pg.drainUntilMs && !this.keeperDown.has(pg.name))
      pg.drainUntilMs = undefined;
    if (pg.isRunning && !pg.isWritable && pg.source !== undefined)
      pg.stream(this.server(pg.source), 1 + Math.floor(this.random() * 6), this.nowMs);
    // Postgres writes now and then by itself.
    if (pg.isRunning && pg.isWritable && this.random() < 0.02)
      pg.wal.push({ id: this.nextId(), timeline: pg.timeline, write: undefined });
  }

  private client(pg: SimPostgres): void {
    if (!pg.isRunning || !pg.isWritable || this.random() > 0.5) return;
    // A drain keeps nearly all out; some said READ WRITE.
    if (pg.drainUntilMs !== undefined && this.random() > 0.1) return;
    const id = this.nextId();
    pg.wal.push({ id, timeline: pg.timeline, write: id });
    if (pg.gate === 'open') this.acknowledge(pg.name, id);
    else pg.waiting.push(id);
  }

  private acknowledge(name: string, write: number): void {
    this.acknowledged.add(write);
    const number = this.openingOf.get(name)?.number ?? 0;
    if (number < this.newestOpening)
      this.violate('1', `${name} acknowledges after a newer primary has opened its gate`);
  }

  violate(invariant: string, what: string): void {
    this.violations.push({ invariant, atMs: this.nowMs, what });
    this.tell('VIOLATED', `${invariant}: ${what}`);
  }
}
