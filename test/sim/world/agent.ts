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
import { failoverKeys } from '../../../common/failover/keys.js';
import type { Entry } from './consul.js';
import { transactionFor } from './transactions.js';
import type { World } from './world.js';

const keys = failoverKeys('pg');

/** One box's agent with the real core. What it keeps in memory is lost when it dies; its ledger is on disk. */
export class SimAgent {
  isUp = true;
  ledger: Ledger = emptyLedger;
  /** The role tag that stands in the catalogue. */
  published: 'primary' | 'replica' | 'none' = 'none';
  last: LeadDecision | undefined;
  private state: LeadState = initialState;
  private outcome: Outcome | undefined;
  /** What was asked before its last write had its answer, or before it started, is not looked at. */
  private askedSinceMs = 0;
  /** Decided and not yet done; `shared` is what it was decided from. */
  private pending: { action: LeadAction; shared: ReadShared } | undefined;

  constructor(
    private readonly world: World,
    readonly member: string,
  ) {}

  start(): void {
    this.isUp = true;
    this.askedSinceMs = this.world.nowMs;
  }

  die(): void {
    this.isUp = false;
    this.state = initialState;
    this.outcome = undefined;
    this.pending = undefined;
  }

  /** One look, or the doing of what was decided at the look before. */
  step(): void {
    if (!this.isUp) return;
    if (this.pending) {
      const { action, shared } = this.pending;
      this.pending = undefined;
      this.outcome = this.perform(action, shared);
      return;
    }
    const seen = this.look();
    const decision = lead(this.state, seen, this.config, this.world.broken.rows);
    this.outcome = undefined;
    this.state = decision.state;
    this.last = decision;
    if (this.world.consul.isUp && decision.publish !== 'unchanged' && decision.publish !== 'as-seen')
      this.published = decision.publish;
    if (decision.action && seen.shared.kind === 'read')
      this.pending = { action: decision.action, shared: seen.shared };
    this.world.heard(this.member, decision);
  }

  get self(): Self {
    const { keeperDown } = this.world;
    const pg = this.world.server(this.member);
    if (keeperDown.has(this.member)) return { kind: 'unknown', why: 'no answer' };
    const source = pg.source;
    return {
      kind: 'known',
      managed: pg.managed,
      data: pg.data,
      process: pg.isRunning ? 'running' : 'stopped',
      writable: pg.isWritable,
      gate: gateOf(pg.gate),
      draining: pg.drainUntilMs !== undefined,
      busy: undefined,
      incarnation: `i${pg.incarnation}`,
      origin: pg.data === 'present' ? '7' : undefined,
      history: pg.data === 'present' ? pg.history : undefined,
      position: pg.isRunning ? pg.position : undefined,
      statements: 0,
      source:
        source === undefined
          ? undefined
          : {
              address: source,
              port: 5432,
              streaming: pg.streaming,
              ...(pg.streaming ? { timeline: pg.timeline } : {}),
            },
      feeds: this.world.feedsOf(this.member),
      slots: pg.slots,
      replayPaused: false,
      checkpointed: true,
    };
  }

  private get config(): LeadConfig {
    return {
      member: this.member,
      members: new Map(this.world.members.map((name) => [name, { address: name, port: 5432 }])),
      firstPolicy: {
        roles: 'managed',
        promotion: 'manual',
        durability: 'async',
        strict: false,
        paused: false,
      },
      compare: (a, b) => lengthOf(a) - lengthOf(b),
      distance: (a, b) => lengthOf(b) - lengthOf(a),
      maxLag: 1_000,
    };
  }

  private look(): LeadObservation {
    const { consul, nowMs } = this.world;
    const { session } = this.ledger;
    return {
      nowMs,
      self: this.self,
      shared: consul.isUp
        ? sharedOf(this.world.keysSince(this.askedSinceMs))
        : { kind: 'unread', why: 'no answer' },
      session: !consul.isUp
        ? { kind: 'unknown' }
        : session !== undefined && consul.isValid(session)
          ? { kind: 'valid', id: session }
          : { kind: 'none' },
      peers: new Map(
        this.world.members.filter((name) => name !== this.member).map((name) => [name, this.peer(name)]),
      ),
      ledger: this.ledger,
      published: this.published,
      outcome: this.outcome,
    };
  }

  private peer(name: string): Peer {
    const other = this.world.agent(name);
    if (!other.isUp) return { kind: 'unknown', why: 'no answer' };
    return { kind: 'known', self: other.self, epoch: other.ledger.seenEpoch, eligible: { ok: true } };
  }

  private perform(action: LeadAction, shared: ReadShared): Outcome {
    const { world, member } = this;
    const pg = world.server(member);
    const done: Outcome = { kind: 'done', action };
    const refused = (why: string, reason?: string): Outcome => ({
      kind: 'refused',
      action,
      why,
      ...(reason === undefined ? {} : { reason }),
    });
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
      return world.transact(ops, action);
    }
    if (action.kind === 'open-session' || action.kind === 'end-session') {
      if (!world.consul.isUp) return { kind: 'unconfirmed', action, why: 'no answer' };
      if (action.kind === 'end-session') world.consul.endSession(action.session);
      else this.ledger = { ...this.ledger, session: world.consul.openSession(member) };
      return done;
    }
    if (world.keeperDown.has(member)) return { kind: 'failed', action, why: 'the keeper does not answer' };
    switch (action.kind) {
      case 'manage':
        pg.managed = true;
        if (action.gate === 'close') pg.gate = 'closed';
        else if (pg.isWritable) world.opened(member);
        return done;
      case 'close-gate':
        pg.gate = 'closed';
        return done;
      case 'hold-gate':
        if (!pg.isRunning || pg.gate !== 'open') return refused('no open gate');
        pg.gate = 'hold';
        pg.holdUntilMs = world.nowMs + 2_000;
        return { ...done, position: pg.position };
      case 'finalise-gate':
        if (pg.gate !== 'hold') return refused('no hold');
        pg.gate = 'closed';
        return done;
      case 'open-gate':
        if (!pg.isRunning || !pg.isWritable) return refused('in recovery');
        world.opened(member);
        return done;
      case 'drain':
        if (!pg.isRunning) return refused('not running');
        pg.drainUntilMs = world.nowMs + 10_000;
        return done;
      case 'end-drain':
        pg.drainUntilMs = undefined;
        return done;
      case 'promote':
        if (!pg.isRunning || pg.gate !== 'closed') return refused('gate');
        if (!pg.isWritable) pg.promote(() => world.nextId());
        return done;
      case 'fence':
        pg.crash();
        // Its unit starts it again.
        pg.startAtMs = world.nowMs + 100 + world.random() * 400;
        return done;
      case 'follow': {
        if (!pg.isRunning || pg.isWritable) return refused('not a standby');
        const from = world.server(action.from.address);
        if (from.data === 'present' && !pg.isPrefixOf(from)) return refused('diverged', 'diverged');
        pg.source = action.from.address;
        return done;
      }
      case 'rejoin': {
        const from = world.server(action.from.address);
        if (!from.isRunning || !from.isWritable)
          return refused('the source is not ready', 'source-not-ready');
        pg.crash();
        if (world.random() < 0.1) {
          pg.data = 'half-done';
          return { kind: 'failed', action, why: 'cut off' };
        }
        pg.copy(from);
        pg.source = action.from.address;
        return done;
      }
      case 'keep-slots':
        pg.slots = action.members;
        return done;
      default:
        throw new Error(`the simulated keeper does not know ${action.kind}`);
    }
  }
}

export const lengthOf = (position: string) => Number(position.split('/')[1]);

function sharedOf(seen: ReadonlyMap<string, Entry>): Shared {
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

function gateOf(kind: Gate['kind']): Gate {
  switch (kind) {
    case 'open':
      return { kind, proven: true };
    case 'closed':
      return { kind, proven: true };
    case 'unknown':
      return { kind, why: 'simulated' };
    case 'hold':
      return { kind };
  }
}
