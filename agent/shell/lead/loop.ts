import { sleep, type Clock } from '../../../common/clock.js';
import { linked } from './linked.js';
import type { Snapshot } from '../../../common/failover/snapshot.js';
import type { Log } from '../../../common/runtime/log.js';
import { lead } from '../../core/lead/decide.js';
import {
  initialState,
  type LeadAction,
  type LeadConfig,
  type LeadDecision,
  type LeadObservation,
  type LeadState,
  type Ledger,
  type Outcome,
  type Self,
  type SessionView,
  type Shared,
} from '../../core/lead/model.js';
import { mayBeDeaf } from '../../core/lead/quiet.js';
import { mayReuse, type Servers } from '../../core/lead/reuse.js';
import type { LeasePort } from '../../lease-port.js';
import type { KeeperPort, LedgerPort, PeersPort } from '../../lead-port.js';
import { Doubt } from './doubt.js';
import { KeptLedger } from './kept-ledger.js';
import { Newest } from './newest.js';
import { Others } from './others.js';
import { busyMs, paceMs, rereadMs, stoppingMs } from './pace.js';
import { Performer } from './performer.js';
import { SessionKeeper, signOfLifeMs } from './sessions.js';
import { sharedOf } from './shared.js';

export interface LeadLoopOptions {
  readonly config: LeadConfig;
  readonly keeper: KeeperPort;
  readonly lease: LeasePort;
  readonly ledger: LedgerPort;
  readonly peers: PeersPort;
  /** Starts the server's unit; rejects when it does not come up. */
  readonly startProcess: (signal: AbortSignal) => Promise<void>;
  /** The role tag that stands in the catalogue for this member; undefined: not known. */
  readonly published: () => LeadObservation['published'];
  /** What the probe last said of this member. */
  readonly isServing: () => LeadObservation['isServing'];
  /** Told of every decision. */
  readonly onDecision: (decision: LeadDecision) => void;
  /** Told of every action's end, with what it was decided from. */
  readonly onOutcome?: (outcome: Outcome, decision: LeadDecision, shared: Shared | undefined) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Observe, decide, perform for the lead of one service: one action at a time, and a fence cuts off any other. */
export class LeadLoop {
  private state: LeadState = initialState;
  private readonly newest = new Newest();
  private readonly sessions: SessionKeeper;
  private readonly performer: Performer;
  private readonly ledger: KeptLedger;
  private readonly others: Others;
  private readonly doubt: Doubt;
  private outcome: Outcome | undefined;
  private lastSentence = '';
  private wakeUp: () => void = () => {};
  private isWoken = false;
  /** What the newest decision was made from: its transaction builds on that and nothing later (R1). */
  private decidedFrom: Snapshot | undefined;
  private staleSinceMs: number | undefined;
  private self: Self = { kind: 'unknown', why: 'not asked yet' };
  private servers: Servers | undefined;
  private session: SessionView = { kind: 'unknown' };
  /** Whoever stops the server is given until then, by the clock. */
  private stoppingUntilMs = -Infinity;

  constructor(private readonly options: LeadLoopOptions) {
    this.sessions = new SessionKeeper(options.lease, options.clock);
    this.ledger = new KeptLedger(options);
    this.doubt = new Doubt(options.lease, options.clock);
    this.others = new Others({ ...options, onNews: () => this.wake() });
    this.performer = new Performer({
      ...options,
      member: options.config.member,
      remember: (ledger) => this.ledger.write(ledger),
      opened: (session) => this.sessions.opened(session),
      wrote: (snapshot, was) => this.heard(snapshot, was),
    });
  }

  /** What the keeper last said; for the agents of the other members. */
  get seen(): Self {
    return this.self;
  }

  /** The newest record that is noted on this disk: its epoch, and its revision within that. */
  get noted(): { readonly epoch: number; readonly revision: number | undefined } {
    const { seenEpoch: epoch = 0, seenRevision: revision } = this.ledger.known ?? {};
    return { epoch, revision };
  }

  /** What stands in Consul, as far as is known. */
  get shared(): Shared {
    const { snapshot, trouble } = this.newest;
    return snapshot ? sharedOf(snapshot) : { kind: 'unread', why: trouble };
  }

  /** Whether this agent's session holds the lease. */
  get holdsLease(): boolean {
    const holder = this.newest.snapshot?.holder;
    return holder !== undefined && this.session.kind === 'valid' && this.session.id === holder;
  }

  /** A sentence while nothing is decided for want of the ledger. */
  get complaint(): string | undefined {
    return this.ledger.complaint;
  }

  /** The server is about to be stopped: it is not started meanwhile, as one that is rewound would be. */
  stopping(): void {
    this.stoppingUntilMs = this.options.clock.nowMs() + stoppingMs;
    this.wake();
  }

  /** Something is to be seen: looks at once. */
  wake(): void {
    this.isWoken = true;
    this.wakeUp();
  }

  /** Until the signal fires. Rejects when the core fails. While the ledger cannot be read nothing is done. */
  async run(signal: AbortSignal): Promise<void> {
    await this.ledger.read(signal);
    const watching = Promise.all([this.watch(signal), this.showLife(signal)]);
    while (!signal.aborted) {
      const decision = await this.look(signal);
      if (signal.aborted) break;
      if (decision.action) await this.perform(decision, decision.action, this.decidedFrom, signal);
      else await this.rest(decision, signal);
    }
    await watching;
  }

  /** Also while an action takes its time. */
  private async showLife(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.sessions.showLife(this.ledger.known?.session, signal);
      await sleep(this.options.clock, signOfLifeMs, { signal }).catch(() => {});
    }
  }

  private async watch(signal: AbortSignal): Promise<void> {
    await this.options.lease.watch(
      {
        onSnapshot: (snapshot) => {
          this.heard(snapshot);
          this.wake();
        },
        onUnavailable: ({ why }) => {
          this.newest.lose(why);
          this.wake();
        },
      },
      signal,
    );
  }

  /** `known`: what was known when it was asked. */
  private heard(snapshot: Snapshot, known?: Snapshot): void {
    if (this.newest.take(snapshot, known)) this.staleSinceMs = undefined;
    else this.staleSinceMs ??= this.options.clock.nowMs();
  }

  private async look(signal: AbortSignal): Promise<LeadDecision> {
    const { servers } = this;
    const isFresh = mayReuse(servers, this.outcome, this.options.clock.nowMs());
    const seen = await this.observe(signal, isFresh ? servers : undefined);
    this.outcome = undefined;
    const decision = lead(this.state, seen, this.options.config);
    this.state = decision.state;
    if (decision.sentence !== this.lastSentence || decision.action)
      this.options.log.info(
        { row: decision.row, ...(decision.action ? { action: decision.action.kind } : {}) },
        decision.sentence,
      );
    this.lastSentence = decision.sentence;
    this.options.onDecision(decision);
    this.doubt.look(mayBeDeaf(seen));
    return decision;
  }

  /** `known`: what is seen of the servers is taken from there. */
  private async observe(signal: AbortSignal, known?: Servers): Promise<LeadObservation> {
    const { keeper, clock, published, isServing } = this.options;
    this.isWoken = false;
    await this.rereadIfStale(signal);
    const ledger = this.ledger.known as Ledger;
    const snapshot = this.newest.snapshot;
    this.decidedFrom = snapshot;
    const asked = known && known.peers.size > 0 ? known : undefined;
    const askedMs = asked?.askedMs ?? clock.nowMs();
    const [self, session, peers] = await Promise.all([
      known?.self ?? keeper.look(signal),
      snapshot ? this.sessions.look(ledger.session, snapshot.holder, signal) : ({ kind: 'unknown' } as const),
      asked?.peers ?? this.others.look(snapshot, ledger, { self: this.self, isServing: isServing() }, signal),
    ]);
    if (!known) this.servers = { self, peers, askedMs };
    this.self = self;
    this.session = session;
    if (self.kind === 'known' && self.process === 'stopped') this.stoppingUntilMs = -Infinity;
    return {
      nowMs: clock.nowMs(),
      askedMs,
      wallMs: clock.wallMs(),
      self,
      isServing: isServing(),
      isStopping: clock.nowMs() < this.stoppingUntilMs,
      shared: snapshot ? sharedOf(snapshot) : { kind: 'unread', why: this.newest.trouble },
      session,
      peers,
      ledger,
      published: published(),
      outcome: this.outcome,
    };
  }

  private async rereadIfStale(signal: AbortSignal): Promise<void> {
    const { clock, lease } = this.options;
    if (this.staleSinceMs === undefined || clock.nowMs() - this.staleSinceMs < rereadMs) return;
    const { snapshot } = this.newest;
    const read = await lease.read({ consistent: true, signal });
    if (read.kind !== 'answered') return;
    this.staleSinceMs = undefined;
    this.newest.take(read.snapshot, snapshot);
  }

  /** While it goes on, every change in Consul is looked at: a fence does not wait for it. */
  private async perform(
    decision: LeadDecision,
    action: LeadAction,
    snapshot: Snapshot | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (!snapshot) return;
    const { controller: abort, release } = linked(signal);
    const work = this.performer.perform(
      action,
      { snapshot, self: this.self, ledger: this.ledger.known as Ledger },
      abort.signal,
    );
    const guard = action.kind === 'fence' ? undefined : this.guard(abort, signal);
    this.outcome = await work;
    release();
    guard?.end();
    this.options.onOutcome?.(this.outcome, decision, sharedOf(snapshot));
  }

  /** Ends the action under way as soon as a fence is due; the next look then decides on it. */
  private guard(abort: AbortController, signal: AbortSignal): { end(): void } {
    let isOver = false;
    const watch = async () => {
      while (!isOver && !signal.aborted) {
        await this.woken(busyMs * 4, signal);
        if (isOver) return;
        if (!this.isWoken) continue;
        const { decidedFrom } = this;
        const seen = await this.observe(signal);
        this.decidedFrom = decidedFrom;
        const { action } = lead(this.state, { ...seen, outcome: undefined }, this.options.config);
        if (action?.kind === 'fence') abort.abort();
      }
    };
    void watch();
    return {
      end: () => {
        isOver = true;
        this.wakeUp();
      },
    };
  }

  private async rest(decision: LeadDecision, signal: AbortSignal): Promise<void> {
    const untilWake =
      decision.wakeAtMs === undefined
        ? Infinity
        : Math.max(0, decision.wakeAtMs - this.options.clock.nowMs());
    const { shared } = this;
    const policy =
      (shared.kind === 'read' ? shared.policy.value : undefined) ?? this.options.config.firstPolicy;
    await this.woken(Math.min(untilWake, paceMs(decision.row, policy)), signal);
  }

  private async woken(ms: number, signal: AbortSignal): Promise<void> {
    if (this.isWoken) return;
    const { controller, release } = linked(signal);
    this.wakeUp = () => controller.abort();
    await sleep(this.options.clock, ms, { signal: controller.signal }).catch(() => {});
    release();
    this.wakeUp = () => {};
  }
}
