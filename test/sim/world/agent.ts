import { judgeRequest, type Judged } from '../../../agent/core/lead/asked.js';
import { lead } from '../../../agent/core/lead/decide.js';
import {
  emptyLedger,
  initialState,
  type LeadAction,
  type LeadConfig,
  type LeadDecision,
  type LeadState,
  type Ledger,
  type Outcome,
} from '../../../agent/core/lead/model.js';
import type {
  Gate,
  LeadObservation,
  Peer,
  ReadShared,
  Self,
  Shared,
} from '../../../agent/core/lead/model.js';
import { comparePositions, distanceBetween, hasAllOf } from '../../../agent/keeper/position.js';
import { mayReuse, type Servers } from '../../../agent/core/lead/reuse.js';
import { isQuiet } from '../../../agent/core/lead/quiet.js';
import { stoppingMs } from '../../../agent/shell/lead/pace.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import type { OrderRequest } from '../../../common/failover/report.js';
import type { Policy } from '../../../common/failover/shapes.js';
import type { Entry } from './consul.js';
import { outcomeOf } from './keeper.js';
import type { SimPostgres } from './postgres.js';
import { transactionFor } from './transactions.js';
import type { World } from './world.js';

const keys = failoverKeys('pg');

export const asyncPolicy: Policy = {
  roles: 'managed',
  promotion: 'manual',
  durability: 'async',
  strict: false,
  paused: false,
};

/** One box's agent with the real core. What it keeps in memory is lost when it dies; its ledger is on disk. */
export class SimAgent {
  isUp = true;
  ledger: Ledger = emptyLedger;
  /** The role tag that stands in the catalogue. */
  published: 'primary' | 'replica' | 'none' = 'none';
  last: LeadDecision | undefined;
  private readonly random: () => number;
  private readonly slowness: () => number;
  private state: LeadState = initialState;
  /** Another one with each start: what the keeper answers to the one before is not heard. */
  private life = 0;
  /** For the keeper. */
  private isWaiting = false;
  private outcome: Outcome | undefined;
  private servers: Servers | undefined;
  private stoppingUntilMs = -Infinity;
  /** What was asked before its last write had its answer, or before it started, is not looked at. */
  private askedSinceMs = 0;
  /** Decided and not yet done; `shared` is what it was decided from. */
  private pending: { action: LeadAction; shared: ReadShared } | undefined;

  constructor(
    private readonly world: World,
    readonly member: string,
  ) {
    this.random = world.source(`agent of ${member}`);
    this.slowness = world.source(`looks of ${member}`);
  }

  start(): void {
    this.isUp = true;
    this.askedSinceMs = this.world.nowMs;
  }

  die(): void {
    this.isUp = false;
    this.state = initialState;
    this.outcome = undefined;
    this.pending = undefined;
    this.servers = undefined;
    this.stoppingUntilMs = -Infinity;
    this.life += 1;
    this.isWaiting = false;
  }

  /** Its server is about to be stopped. */
  beStopped(): void {
    this.stoppingUntilMs = this.world.nowMs + stoppingMs;
  }

  private get isStopping(): boolean {
    if (!this.world.server(this.member).isRunning) this.stoppingUntilMs = -Infinity;
    return this.world.nowMs < this.stoppingUntilMs;
  }

  /** One look, or the doing of what was decided at the look before. */
  step(): void {
    if (!this.isUp) return;
    if (this.isWaiting) return this.guard();
    if (this.pending) {
      const { action, shared } = this.pending;
      this.pending = undefined;
      this.outcome = this.perform(action, shared);
      return;
    }
    const seen = this.look();
    // As the agent does: after what changes no server, what was seen of them is used again.
    if (seen.self !== this.servers?.self)
      this.servers = { self: seen.self, peers: seen.peers, askedMs: seen.nowMs };
    const decision = lead(this.state, seen, this.config, this.world.broken.rows);
    this.outcome = undefined;
    this.state = decision.state;
    this.last = decision;
    if (this.world.canReach(this.member) && decision.publish !== 'unchanged')
      this.publish(decision.publish === 'as-seen' ? this.asSeen : decision.publish);
    if (decision.action && seen.shared.kind === 'read')
      this.pending = { action: decision.action, shared: seen.shared };
    this.world.heard(this.member, decision);
  }

  private publish(role: 'primary' | 'replica' | 'none'): void {
    if (role === this.published) return;
    this.published = role;
    if (role === 'primary') this.world.checker.publishedPrimary(this.member);
  }

  /** While the keeper is at an order: only a fence cuts it off. */
  private guard(): void {
    if (this.random() > 0.2) return;
    const seen = this.look();
    const { action } = lead(this.state, { ...seen, outcome: undefined }, this.config, this.world.broken.rows);
    if (action?.kind !== 'fence' || seen.shared.kind !== 'read') return;
    this.isWaiting = false;
    this.life += 1;
    this.pending = { action, shared: seen.shared };
  }

  /** What the probe finds. */
  private get isServing(): boolean | undefined {
    const pg = this.world.server(this.member);
    if (!pg.isRunning) return false;
    return pg.hungUntilMs <= this.world.nowMs;
  }

  /** What a probe without a word of the lead publishes. */
  private get asSeen(): 'primary' | 'replica' | 'none' {
    const pg = this.world.server(this.member);
    if (!pg.isRunning) return this.published;
    return pg.isWritable ? 'primary' : 'replica';
  }

  get self(): Self {
    const { keeperDown } = this.world;
    const pg = this.world.server(this.member);
    if (keeperDown.has(this.member)) return { kind: 'unknown', why: 'no answer' };
    // What Postgres does not answer is not seen: no position, no statements, no standbys, no slots.
    const answers = pg.isRunning && pg.hungUntilMs <= this.world.nowMs;
    const source = answers ? pg.source : undefined;
    return {
      kind: 'known',
      managed: pg.managed,
      data: pg.data,
      process: pg.isRunning || (pg.hasBackends && !this.world.broken.isPostmasterAll) ? 'running' : 'stopped',
      writable: pg.isWritable,
      gate: gateOf(pg, this.world),
      draining: pg.drainUntilMs !== undefined,
      busy: this.world.keeper(this.member).isBusy ? 'gate' : undefined,
      incarnation: `i${pg.incarnation}`,
      origin: pg.data === 'present' ? '7' : undefined,
      history: pg.data === 'present' ? pg.history : undefined,
      position: answers ? pg.position : undefined,
      statements: answers ? 0 : undefined,
      source:
        source === undefined
          ? undefined
          : {
              address: source,
              port: 5432,
              streaming: pg.streaming,
              ...(pg.streaming ? { timeline: pg.timeline } : {}),
              heardMs: this.world.nowMs - pg.heardAtMs,
            },
      feeds: answers ? this.world.feedsOf(this.member) : [],
      slots: answers ? pg.slots : [],
      replayPaused: false,
      checkpointed: true,
    };
  }

  private get config(): LeadConfig {
    return {
      member: this.member,
      members: new Map(this.world.members.map((name) => [name, { address: name, port: 5432 }])),
      firstPolicy: this.world.firstPolicy,
      compare: comparePositions,
      distance: distanceBetween,
      hasAllOf,
      maxLag: 1_000,
      isEligible: true,
    };
  }

  private look(): LeadObservation {
    const { consul, nowMs, sessionsUnread } = this.world;
    const isReached = this.world.canReach(this.member);
    const { session } = this.ledger;
    const shared: Shared = isReached ? sharedOf(this.newest()) : { kind: 'unread', why: 'no answer' };
    const known = mayReuse(this.servers, this.outcome, nowMs) ? this.servers : undefined;
    const isAsking =
      shared.kind === 'read' &&
      !isQuiet(shared, this.ledger, {
        self: this.servers?.self,
        isServing: this.isServing,
        firstPolicy: this.world.firstPolicy,
      });
    const holdsLease = shared.kind === 'read' && session !== undefined && shared.leader.session === session;
    return {
      nowMs,
      // A look takes its time now and then.
      askedMs: this.slowness() < 0.05 ? nowMs - this.slowness() * 2_000 : nowMs,
      wallMs: nowMs,
      isServing: this.isServing,
      isStopping: this.isStopping,
      self: known?.self ?? this.self,
      shared,
      session:
        !isReached || (sessionsUnread.has(this.member) && session !== undefined && !holdsLease)
          ? { kind: 'unknown' }
          : session !== undefined && consul.isValid(session)
            ? { kind: 'valid', id: session }
            : { kind: 'none' },
      peers:
        known && known.peers.size > 0
          ? known.peers
          : new Map(
              (isAsking ? this.world.members : [])
                .filter((name) => name !== this.member)
                .map((name) => [name, this.peer(name)]),
            ),
      ledger: this.ledger,
      published: this.published,
      outcome: this.outcome,
    };
  }

  /** An agent takes no answer that is older than one it has seen, whatever overtakes what. */
  private newest() {
    const { keys, atMs } = this.world.keysSince(this.askedSinceMs);
    this.askedSinceMs = Math.max(this.askedSinceMs, atMs);
    return keys;
  }

  /** What it says to the other agents. */
  get asPeer(): Peer {
    const { seenEpoch: epoch, seenRevision: revision } = this.ledger;
    return { kind: 'known', self: this.self, epoch, revision, eligible: { ok: true } };
  }

  /** What it says to an operator; undefined: it does not answer, or cannot read Consul. */
  judge(request: OrderRequest, id: string): Judged | undefined {
    if (!this.isUp || this.world.boxes.isFrozen(this.member) || !this.world.canReach(this.member))
      return undefined;
    const shared = sharedOf(this.newest());
    if (shared.kind === 'unread') return undefined;
    const members = this.world.members.map((name): [string, Peer] => [
      name,
      name === this.member ? this.asPeer : this.peer(name),
    ]);
    const policy = shared.policy.value ?? this.world.firstPolicy;
    return judgeRequest(request, id, { config: this.config, shared, policy, members: new Map(members) });
  }

  private peer(name: string): Peer {
    const other = this.world.agent(name);
    const { boxes } = this.world;
    if (boxes.isCut(name) || boxes.isCut(this.member) || boxes.isOff(name))
      return { kind: 'unknown', why: 'no answer', isUnreachable: true };
    if (!other.isUp || boxes.isFrozen(name)) return { kind: 'unknown', why: 'no answer' };
    return other.asPeer;
  }

  /** Undefined: its end is heard of later. */
  private perform(action: LeadAction, shared: ReadShared): Outcome | undefined {
    const { world, member } = this;
    const pg = world.server(member);
    const done: Outcome = { kind: 'done', action };
    if (action.kind === 'remember') {
      this.ledger = action.ledger;
      return done;
    }
    if (action.kind === 'start-process') {
      pg.start();
      return done;
    }
    const ops = this.world.broken.transaction(
      transactionFor(action, shared, keys, this.ledger.session ?? '', member),
    );
    if (ops) {
      this.askedSinceMs = world.nowMs;
      return world.transact(ops, action, member);
    }
    if (action.kind === 'open-session' || action.kind === 'end-session') {
      if (!world.canReach(member)) return { kind: 'unconfirmed', action, why: 'no answer' };
      if (action.kind === 'end-session') world.consul.endSession(action.session);
      else this.ledger = { ...this.ledger, session: world.consul.openSession(member) };
      return done;
    }
    if (world.keeperDown.has(member)) return { kind: 'failed', action, why: 'the keeper does not answer' };
    const { life } = this;
    this.isWaiting = true;
    world.keeper(member).begin(action, (end) => {
      if (life !== this.life) return;
      this.isWaiting = false;
      this.outcome = outcomeOf(action, end);
    });
    return undefined;
  }
}

const read = new WeakMap<ReadonlyMap<string, Entry>, Shared>();

/** Made once for what was read: the same map is never changed. */
function sharedOf(seen: ReadonlyMap<string, Entry>): Shared {
  const known = read.get(seen);
  if (known) return known;
  const shared = sharedFrom(seen);
  read.set(seen, shared);
  return shared;
}

function sharedFrom(seen: ReadonlyMap<string, Entry>): Shared {
  const of = <T>(key: string) => {
    const entry = seen.get(key);
    return { index: entry?.index ?? 0, value: entry?.value as T | undefined };
  };
  return {
    kind: 'read',
    leader: { ...of(keys.leader), session: seen.get(keys.leader)?.session },
    epoch: of(keys.epoch),
    record: of(keys.record),
    policy: of(keys.policy),
    order: of(keys.order),
  };
}

function gateOf(pg: SimPostgres, world: World): Gate {
  switch (pg.gate) {
    case 'open':
      return {
        kind: 'open',
        proven: pg.isGateProven && (pg.names.length === 0 || pg.isSettled),
        ...(pg.names.length === 0 ? {} : { standbys: pg.names.map((name) => withIncarnation(name, world)) }),
      };
    case 'closed':
      return { kind: 'closed', proven: world.keeper(pg.name).isShut };
    case 'unknown':
      return { kind: 'unknown', why: 'simulated' };
    case 'hold':
      return { kind: 'hold' };
  }
}

/** Where names carry none, the agent takes the copy that there is for the one that was meant. */
const withIncarnation = (name: string, world: World) =>
  name.includes('.') ? name : `${name}.i${world.server(name).incarnation}`;
