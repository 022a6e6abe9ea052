import type { LeadAction, LeadDecision, Outcome } from '../../../agent/core/lead/model.js';
import type { FailoverOrder, Policy, Record } from '../../../common/failover/shapes.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import { seededRandom } from '../../support/random.js';
import { SimAgent } from './agent.js';
import { Boxes } from './boxes.js';
import { nothingBroken, type Breakage } from './breakage.js';
import type { Scenario } from './deeds.js';
import { SimConsul, type Entry, type Op } from './consul.js';
import { Checker } from './checker.js';
import { SimKeeper } from './keeper.js';
import { Operator } from './operator.js';
import { SimPostgres, type Commit } from './postgres.js';

const keys = failoverKeys('pg');

export interface Violation {
  readonly invariant: string;
  readonly atMs: number;
  readonly what: string;
}

/**
 * Members, their agents, Consul and clients, on one clock of 10 ms. Each part draws from a source of its own, all from one seed: so what is
 * left out of a scenario changes as little as possible of the rest.
 */
export class World {
  nowMs = 0;
  readonly consul = new SimConsul();
  readonly keeperDown = new Set<string>();
  /** Members whose agent does not reach Consul. */
  readonly cutOff = new Set<string>();
  /** Members whose Consul agent does not say whether a session lives. */
  readonly sessionsUnread = new Set<string>();
  readonly boxes = new Boxes(this);
  readonly checker: Checker;
  readonly violations: Violation[] = [];
  /** What happened, one line each, the newest last. */
  readonly transcript: string[] = [];
  readonly operator: Operator;
  roleChanges = 0;
  /** What was done to it from outside, faults and orders together. */
  deeds = 0;
  /** The longest time without an acknowledged write, in simulated ms; up to the end of the run. */
  get maxUnavailableMs(): number {
    return Math.max(this.longestGapMs, this.nowMs - this.acknowledgedMs);
  }
  areFaultsOn = true;
  private longestGapMs = 0;
  private acknowledgedMs = 0;
  private ids = 0;
  private late: { ops: readonly Op[]; atMs: number }[] = [];
  /** When Consul's data was last lost or an older backup restored. */
  lostMs = -Infinity;
  private backup: { keys: ReadonlyMap<string, Entry>; atMs: number } | undefined;
  private readonly backups: { keys: ReadonlyMap<string, Entry>; atMs: number }[] = [];
  private old: { keys: ReadonlyMap<string, Entry>; atMs: number } = { keys: new Map(), atMs: -1 };
  private readonly servers = new Map<string, SimPostgres>();
  private readonly agents = new Map<string, SimAgent>();
  private readonly keepers = new Map<string, SimKeeper>();
  private readonly lastRow = new Map<string, string>();
  /** What each box gets to do in a tick, and its clients. */
  private readonly schedules = new Map<string, () => number>();

  readonly members: readonly string[];
  readonly firstPolicy: Policy;
  private readonly consulsRandom: () => number;

  constructor(
    readonly scenario: Omit<Scenario, 'deeds'>,
    readonly broken: Breakage = nothingBroken,
    private readonly violated: (violation: Violation) => void = () => {},
  ) {
    const { members } = scenario;
    this.members = members;
    this.firstPolicy = scenario.policy;
    this.consulsRandom = this.source('consul');
    this.operator = new Operator(this, this.source('operator'));
    this.checker = new Checker(this);
    for (const name of members) {
      this.schedules.set(name, this.source(`schedule of ${name}`));
      const pg = new SimPostgres(
        name,
        this.source(`Postgres on ${name}`),
        () => this.keeper(name).prepareStart(),
        (started) => this.started(started),
        broken,
      );
      this.servers.set(name, pg);
      this.keepers.set(name, new SimKeeper(this, pg));
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

  /** A source of numbers of that part's own. */
  source(part: string): () => number {
    let hash = Math.imul(this.scenario.seed, 2_654_435_761);
    for (let at = 0; at < part.length; at += 1) hash = Math.imul(hash ^ part.charCodeAt(at), 16_777_619);
    return seededRandom(hash);
  }

  server(name: string): SimPostgres {
    const found = this.servers.get(name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  keeper(name: string): SimKeeper {
    const found = this.keepers.get(name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  canReach(name: string): boolean {
    return this.consul.isUp && !this.cutOff.has(name);
  }

  agent(name: string): SimAgent {
    const found = this.agents.get(name);
    if (!found) throw new Error(`no member ${name}`);
    return found;
  }

  nextId = () => (this.ids += 1);

  feedsOf(primary: string) {
    const pg = this.server(primary);
    return [...pg.senders].map(([key, { name, flushed }]) => ({
      // Who streams, whatever the names are of that commits wait for.
      name: this.servers.has(key) ? `${key}.i${this.server(key).incarnation}` : name,
      position: pg.positionAt(flushed),
    }));
  }

  /** A member's gate opens, or was open when all began. */
  opened(name: string): void {
    if (!this.checker.opened(this.server(name))) return;
    this.roleChanges += 1;
    this.checker.roleMoved(name);
  }

  /** What was there since that time, if not now: all reads are consistent, and an answer may be slow. */
  keysSince(ms: number): { readonly keys: ReadonlyMap<string, Entry>; readonly atMs: number } {
    if (this.areFaultsOn && this.consulsRandom() < this.scenario.late && this.old.atMs >= ms) return this.old;
    return { keys: this.consul.snapshot(), atMs: this.nowMs };
  }

  started(pg: SimPostgres): void {
    if (pg.managed && pg.isWritable) this.violate('D1', `${pg.name} is started and writable at once`);
  }

  /** Whether it was applied. */
  private apply(ops: readonly Op[]): boolean {
    const before = this.consul.snapshot();
    const isApplied = this.consul.transact(ops);
    if (isApplied && before.get(keys.record)?.index !== this.consul.get(keys.record).index)
      this.checker.recordWritten(
        before.get(keys.record)?.value as Record | undefined,
        this.consul.get(keys.record).value as Record | undefined,
        before.get(keys.order)?.value as FailoverOrder | undefined,
      );
    return isApplied;
  }

  get record(): Record | undefined {
    return this.consul.get(keys.record).value as Record | undefined;
  }

  transact(ops: readonly Op[], action: LeadAction, member: string): Outcome {
    if (!this.canReach(member)) return { kind: 'unconfirmed', action, why: 'no answer' };
    if (this.areFaultsOn && this.consulsRandom() < this.scenario.unanswered) {
      if (this.consulsRandom() < 0.7)
        this.late.push({ ops, atMs: this.nowMs + this.consulsRandom() * 3_000 });
      return { kind: 'unconfirmed', action, why: 'no answer in time' };
    }
    return this.apply(ops)
      ? { kind: 'done', action }
      : { kind: 'refused', action, why: 'it has changed', reason: 'conflict' };
  }

  /** All that Consul had is gone, what was on its way to it as well. */
  loseConsul(): void {
    this.tell('fault', "Consul's data is lost");
    this.consul.lose();
    this.forgetOldConsul();
  }

  /** As it was at the last backup, some seconds ago. */
  restoreConsul(): void {
    if (!this.backup) return;
    this.tell('fault', `a backup of Consul of ${this.backup.atMs} is restored`);
    this.consul.restore(this.backup.keys);
    this.forgetOldConsul();
  }

  private forgetOldConsul(): void {
    this.late = [];
    this.old = { keys: new Map(), atMs: -1 };
    this.backup = undefined;
    this.lostMs = this.nowMs;
    this.checker.isRecordDoubtful = true;
  }

  setPolicy(change: Partial<Policy>): void {
    const now = this.consul.get(keys.policy);
    const value = { ...this.firstPolicy, ...(now.value as Policy | undefined), ...change };
    this.consul.transact([{ verb: 'cas', key: keys.policy, value, index: now.index }]);
    this.tell('operator', `policy ${JSON.stringify(change)}`);
  }

  get policy(): Policy {
    return { ...this.firstPolicy, ...(this.consul.get(keys.policy).value as Policy | undefined) };
  }

  get isObserved(): boolean {
    return this.policy.roles === 'observe';
  }

  get isOrdered(): boolean {
    return this.consul.get(keys.order).value !== undefined;
  }

  heard(member: string, { row, sentence, action }: LeadDecision): void {
    if (this.lastRow.get(member) === row && action === undefined) return;
    this.lastRow.set(member, row);
    this.tell(member, `${row}: ${sentence}${action ? ` -> ${action.kind}` : ''}`);
  }

  tell(who: string, what: string): void {
    if (who === 'fault' || who === 'operator') this.deeds += 1;
    this.transcript.push(`${String(this.nowMs).padStart(7)} ${who.padEnd(8)} ${what}`);
  }

  tick(): void {
    this.nowMs += 10;
    if (this.consulsRandom() < 0.002) this.backups.push({ keys: this.consul.snapshot(), atMs: this.nowMs });
    // Younger ones are of no use: a write that is on its way must not find its index again.
    while ((this.backups[0]?.atMs ?? Infinity) <= this.nowMs - 5_000) this.backup = this.backups.shift();
    if (this.consulsRandom() < 0.05) this.old = { keys: this.consul.snapshot(), atMs: this.nowMs };
    const due = this.late.filter(({ atMs }) => atMs <= this.nowMs);
    this.late = this.late.filter(({ atMs }) => atMs > this.nowMs);
    for (const { ops } of due) if (this.apply(ops)) this.tell('consul', 'a late transaction was applied');
    for (const pg of this.servers.values()) this.postgres(pg);
    for (const [name, keeper] of this.keepers) {
      // It stands in for whoever starts Postgres, so it is quick.
      if (!this.keeperDown.has(name) && !this.boxes.isFrozen(name) && this.chance(name, 0.8)) keeper.tick();
    }
    for (const [name, agent] of this.agents)
      if (!this.boxes.isFrozen(name) && this.chance(name, 0.6)) agent.step();
    for (const pg of this.servers.values()) {
      if (this.standsStill(pg)) continue;
      this.client(pg);
      if (pg.isRunning) pg.tick(this.nowMs, (commit) => this.acknowledge(pg, commit));
    }
  }

  private chance(name: string, share: number): boolean {
    return (this.schedules.get(name)?.() ?? 1) < share;
  }

  killKeeper(name: string): void {
    this.keeperDown.add(name);
    this.keeper(name).die();
  }

  private standsStill(pg: SimPostgres): boolean {
    return this.boxes.isFrozen(pg.name) || pg.hungUntilMs > this.nowMs;
  }

  private postgres(pg: SimPostgres): void {
    if (this.boxes.isFrozen(pg.name)) return;
    if (pg.startAtMs !== undefined && this.nowMs >= pg.startAtMs) {
      pg.startAtMs = undefined;
      pg.start();
    }
    if (!pg.isRunning) pg.linger(this.nowMs, (commit) => this.acknowledge(pg, commit));
    if (pg.isRunning && !pg.isWritable && pg.source !== undefined) {
      const name = this.broken.standbyName(`${pg.name}.i${pg.incarnation}`);
      const from = this.server(pg.source);
      // Where nothing comes in, the connection still stands.
      if (!this.standsStill(from)) pg.stream(from, name, this.recordsNow(pg.name), this.nowMs);
    }
    for (const [key, sender] of pg.senders) {
      const standby = this.servers.get(key);
      if (!standby) sender.flushed = pg.flushed;
      else if (standby.source !== pg.name || !standby.streaming || standby.isWritable) pg.senders.delete(key);
    }
    // Postgres writes now and then by itself.
    if (pg.isRunning && pg.isWritable && this.chance(pg.name, 0.02)) {
      pg.append(this.nextId(), undefined);
      pg.flushed = pg.wal.length;
    }
  }

  /** How many a standby takes in a tick. */
  private recordsNow(name: string): number {
    const most = this.broken.focus?.records;
    const luck = this.schedules.get(name)?.() ?? 0;
    return most === undefined ? 1 + Math.floor(luck * 6) : luck < most ? 1 : 0;
  }

  /** Somebody takes all WAL of that server under that name, and keeps none of it for a promotion. */
  impostor(pg: SimPostgres, name: string): void {
    this.tell('fault', `an impostor streams from ${pg.name} as ${name}`);
    pg.senders.set(`impostor ${name}`, {
      name,
      counted: pg.names,
      rereadAtMs: undefined,
      flushed: pg.flushed,
    });
  }

  private client(pg: SimPostgres): void {
    if (!pg.isRunning || !pg.isWritable || !this.chance(pg.name, 0.5)) return;
    // A drain keeps nearly all out; some said READ WRITE.
    if (pg.drainUntilMs !== undefined && !this.chance(pg.name, 0.1)) return;
    // So many connections there are; a few clients give up, which acknowledges nothing.
    const clients = pg.commits.filter(({ write }) => write !== undefined);
    if (clients.length >= 8) {
      const waiting = clients.find(({ stage }) => stage === 'waiting');
      if (waiting && this.chance(pg.name, 0.05)) waiting.stage = 'cancelled';
      return;
    }
    const id = this.nextId();
    pg.commit(id, id);
  }

  private acknowledge(pg: SimPostgres, commit: Commit): void {
    if (commit.write === undefined) return;
    this.longestGapMs = Math.max(this.longestGapMs, this.nowMs - this.acknowledgedMs);
    this.acknowledgedMs = this.nowMs;
    this.checker.acknowledged(pg, commit, commit.write);
  }

  violate(invariant: string, what: string): void {
    const violation = { invariant, atMs: this.nowMs, what };
    this.violations.push(violation);
    this.tell('VIOLATED', `${invariant}: ${what}`);
    this.violated(violation);
  }
}
