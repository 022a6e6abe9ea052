import { sleep, type Clock } from '../../../common/clock.js';
import type { FailoverReport } from '../../../common/failover/report.js';
import type { Policy } from '../../../common/failover/shapes.js';
import type { Log } from '../../../common/runtime/log.js';
import { eventOf } from '../../core/lead/events.js';
import type {
  LeadConfig,
  LeadDecision,
  LeadObservation,
  Outcome,
  Peer,
  Self,
  Shared,
} from '../../core/lead/model.js';
import type { LeadWord } from '../../core/model.js';
import type { EventsPort, LeasePort } from '../../lease-port.js';
import type { KeeperPort, LedgerPort, PeersPort } from '../../lead-port.js';
import { LeadLoop } from './loop.js';
import { paceMs, steadyMs } from './pace.js';

/** What the lead of one service is made of, besides the loop: the adapters. */
export interface LeadParts {
  readonly service: string;
  readonly config: LeadConfig;
  /** Whether this member may ever be promoted; else why not. */
  readonly eligible: Extract<Peer, { kind: 'known' }>['eligible'];
  readonly keeper: KeeperPort;
  readonly lease: LeasePort;
  readonly events: EventsPort;
  readonly ledger: LedgerPort;
  readonly peers: PeersPort;
  /** Starts the service's unit; rejects when it does not come up. */
  readonly startProcess: (signal: AbortSignal) => Promise<void>;
  readonly close: () => void;
}

export interface ServiceLeadOptions {
  readonly parts: LeadParts;
  /** The role tag that stands in the catalogue for this member; undefined: not known. */
  readonly published: () => LeadObservation['published'];
  /** What the probe last said of this member. */
  readonly isServing: () => LeadObservation['isServing'];
  /** …and whether it receives WAL. */
  readonly isStreaming: () => boolean | undefined;
  /** What may be published has changed. */
  readonly onWord: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** They are told as warnings. */
function withoutNotes(self: Self): Self {
  if (self.kind === 'unknown') return self;
  const { notes: _, ...rest } = self;
  return rest;
}

const undecided: LeadWord = { role: 'unchanged', epoch: undefined, timeline: undefined };
/** Rows in which nothing is done: that it has come to them is worth an event. */
const toldRows: Readonly<Record<string, 'quarantined' | 'rehearsed'>> = {
  quarantined: 'quarantined',
  stray: 'quarantined',
  'rehearsal-lost': 'rehearsed',
  'rehearsal-down': 'rehearsed',
};
/** Rows of a holder whose gate is open and that has nothing to do. */
const leadingRows: readonly string[] = ['holder', 'degraded'];
/** The look for that is waited for no longer, in ms: another agent waits 300 ms for the whole answer. */
const freshWithinMs = 100;
/** What waits to be written to the history is given up at the end, after so many ms. */
const lastWordsMs = 1_000;

/** The lead of one service on this box, as the rest of the agent sees it. */
export class ServiceLead {
  readonly parts: LeadParts;
  private readonly loop: LeadLoop;
  private decision: LeadDecision | undefined;
  /** When something was decided last, by the clock, and who waits for the next time. */
  private lookedMs = -Infinity;
  private readonly awaited: (() => void)[] = [];
  private said: LeadWord = undecided;
  /** The switchover that stands handed over, and when it was first seen so, by the clock. */
  private handedOver: { readonly id: string; readonly sinceMs: number } | undefined;
  private readonly troubles = new Map<string, string>();
  /** What the rest of the agent said when something was decided last. */
  private heard: readonly unknown[] = [];

  constructor(private readonly options: ServiceLeadOptions) {
    const { parts, published, isServing, clock, log } = options;
    this.parts = parts;
    this.loop = new LeadLoop({
      ...parts,
      published,
      isServing,
      onDecision: (decision) => this.decided(decision),
      onOutcome: (outcome, decision, shared) => this.remember(outcome, decision, shared),
      clock,
      log,
    });
  }

  /** Until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.loop.run(signal);
      await this.parts.events.flushed(AbortSignal.timeout(lastWordsMs));
    } finally {
      this.parts.events.close();
      this.parts.close();
    }
  }

  wake(): void {
    this.loop.wake();
  }

  /** The rest of the agent has done something: looks at once where that is anything to decide on, for each look costs the keeper one. */
  hear(): void {
    if (this.heardNow().some((word, index) => word !== this.heard[index])) this.loop.wake();
  }

  private heardNow(): readonly unknown[] {
    const { published, isServing, isStreaming } = this.options;
    return [published(), isServing(), isStreaming()];
  }

  /** Whoever asks is told what was seen of this member a second ago at most, also where it is looked at less often. */
  async fresh(): Promise<void> {
    const { clock } = this.options;
    const isCalm = this.decision !== undefined && paceMs(this.decision.row, this.policy) > steadyMs;
    if (!isCalm || clock.nowMs() - this.lookedMs <= steadyMs) return;
    const looked = new Promise<void>((resolve) => this.awaited.push(resolve));
    this.loop.wake();
    const given = new AbortController();
    await Promise.race([looked, sleep(clock, freshWithinMs, { signal: given.signal }).catch(() => {})]);
    given.abort();
  }

  /** This member's server is about to be stopped. */
  stopping(): void {
    this.loop.stopping();
  }

  /** What may be published of this member. */
  get word(): LeadWord {
    return this.said;
  }

  /** Whether a probe may write here: only what nothing stands in the way of, and what leads. */
  get mayWrite(): boolean {
    return (
      this.said.role === 'as-seen' || (this.decision !== undefined && leadingRows.includes(this.decision.row))
    );
  }

  get complaint(): string | undefined {
    return this.loop.complaint;
  }

  get shared(): Shared {
    return this.loop.shared;
  }

  get policy(): Policy {
    const { shared } = this.loop;
    return (
      (shared.kind === 'read' ? shared.policy.value : undefined) ?? {
        ...this.parts.config.firstPolicy,
        ...(this.loop.noted.epoch > 0 ? { roles: 'managed' } : {}),
      }
    );
  }

  /** For how long the switchover of that id has been seen to stand handed over, in ms. */
  handedOverForMs(id: string | undefined): number {
    const { handedOver } = this;
    return handedOver && handedOver.id === id ? this.options.clock.nowMs() - handedOver.sinceMs : 0;
  }

  /** This member, as its agent says to the others. */
  get asPeer(): Peer {
    return { kind: 'known', self: this.loop.seen, ...this.loop.noted, eligible: this.parts.eligible };
  }

  report(): FailoverReport {
    const { decision, loop, parts } = this;
    const { eligible } = parts;
    return {
      service: parts.service,
      member: parts.config.member,
      epoch: loop.noted.epoch,
      ...(loop.noted.revision === undefined ? {} : { revision: loop.noted.revision }),
      self: withoutNotes(loop.seen) as FailoverReport['self'],
      eligible: eligible.ok ? { ok: true } : { ok: false, why: eligible.why },
      row: decision?.row ?? 'blind',
      sentence: loop.complaint ?? decision?.sentence ?? 'nothing is decided: its agent has just started',
      publish: decision?.publish ?? 'unchanged',
      holdsLease: loop.holdsLease,
      shared: this.sharedReport(),
      warnings: [
        ...(loop.complaint === undefined ? [] : [loop.complaint]),
        ...((loop.seen.kind === 'known' ? loop.seen.notes : undefined) ?? []),
      ],
    };
  }

  private sharedReport(): FailoverReport['shared'] {
    const { shared } = this.loop;
    if (shared.kind === 'unread') return { kind: 'unread', why: shared.why };
    const { leader, epoch, record, order } = shared;
    return {
      kind: 'read',
      isHeld: leader.session !== undefined,
      epoch: epoch.value ?? 0,
      policy: this.policy,
      ...(leader.value && { leader: leader.value }),
      ...(record.value && { record: record.value }),
      ...(order.value && { order: order.value }),
    };
  }

  private decided(decision: LeadDecision): void {
    const { row, publish, sentence } = decision;
    const before = this.decision;
    this.decision = decision;
    this.lookedMs = this.options.clock.nowMs();
    for (const tell of this.awaited.splice(0)) tell();
    this.heard = this.heardNow();
    this.noticeHandedOver();
    const kind = toldRows[row];
    if (kind && before?.row !== row)
      this.parts.events.append({
        kind,
        member: this.parts.config.member,
        epoch: this.loop.noted.epoch,
        rule: row,
        cause: sentence,
      });
    const word = this.wordOf(publish);
    const { role, epoch, timeline } = this.said;
    if (word.role === role && word.epoch === epoch && word.timeline === timeline) return;
    this.said = word;
    this.options.onWord();
  }

  private noticeHandedOver(): void {
    const { shared } = this.loop;
    // While Consul cannot be read, what was seen stands.
    if (shared.kind === 'unread') return;
    const order = shared.order.value;
    const isHandedOver = order?.kind === 'switchover' && order.handedOver;
    if (!isHandedOver) this.handedOver = undefined;
    else if (this.handedOver?.id !== order.id)
      this.handedOver = { id: order.id, sinceMs: this.options.clock.nowMs() };
  }

  /** Each trouble once, until the action succeeds: it is tried again and again. */
  private complainOf(outcome: Outcome): void {
    const { kind } = outcome.action;
    if (outcome.kind === 'done') {
      this.troubles.delete(kind);
      return;
    }
    if (outcome.reason === 'conflict' || this.troubles.get(kind) === outcome.why) return;
    this.troubles.set(kind, outcome.why);
    this.options.log.warn({ action: kind, outcome: outcome.kind }, `${kind} ${outcome.kind}: ${outcome.why}`);
  }

  /** The newest promotion is that of the record; who has no role in it says nothing of it. */
  private wordOf(role: LeadWord['role']): LeadWord {
    const { shared } = this.loop;
    const record = shared.kind === 'read' ? shared.record.value : undefined;
    const isPart = role === 'primary' || role === 'replica';
    return {
      role,
      epoch: isPart ? record?.epoch : undefined,
      timeline: isPart ? record?.history.timeline : undefined,
    };
  }

  private remember(outcome: Outcome, decision: LeadDecision, shared: Shared | undefined): void {
    this.complainOf(outcome);
    const event = eventOf({
      member: this.parts.config.member,
      decision,
      outcome,
      shared: shared?.kind === 'read' ? shared : undefined,
    });
    if (event) this.parts.events.append(event);
  }
}
