import type { FailoverOrder, Leader, Policy, Record } from '../../../common/failover/shapes.js';
import type { LeadAction, Ledger } from './action.js';

export { emptyLedger, type LeadAction, type Ledger, type Source } from './action.js';

/**
 * Who leads a managed service: what that is decided from, and what comes of it. Plain data, for one member of one service.
 * The words "position", "origin" and "history" are the driver's: the core only hands them on and has them compared.
 */
export interface LeadConfig {
  readonly member: string;
  /** Where each member of the service is reached, this one included. */
  readonly members: ReadonlyMap<string, { readonly address: string; readonly port: number }>;
  /** The policy while Consul holds none. */
  readonly firstPolicy: Policy;
  /** Below zero: `a` is older. Undefined: they cannot be compared. */
  readonly compare: (a: string, b: string) => number | undefined;
  /** Whether the one certainly has whatever the other has, also where one was promoted meanwhile (D4). */
  readonly hasAllOf: (one: Copy, other: Copy) => boolean;
  /** An ordered target may lag so much behind and is waited for; in the driver's measure, bytes for Postgres. */
  readonly distance: (from: string, to: string) => number | undefined;
  readonly maxLag: number;
  /** Whether this member may be promoted without an operator's order. */
  readonly isEligible: boolean;
}

/** How far a member's data goes, in the driver's words. */
export interface Copy {
  readonly history: Record['history'] | undefined;
  readonly position: string | undefined;
}

// ---- what is observed

export interface LeadObservation {
  /** Monotonic ms. */
  readonly nowMs: number;
  /** When the agents of the others were asked, on the same clock. */
  readonly askedMs: number;
  /** ms since 1970: only to count failovers that other boxes have written down. */
  readonly wallMs: number;
  readonly self: Self;
  /** Whether the probe finds that this member serves; undefined: it does not know yet, or the member is just starting. */
  readonly isServing: boolean | undefined;
  /** Whoever stops this member's server has said so, and is not through yet. */
  readonly isStopping: boolean;
  readonly shared: Shared;
  /** This agent's session in Consul, which holds the lease. */
  readonly session: SessionView;
  readonly peers: ReadonlyMap<string, Peer>;
  /** What is on this box's disk (D5). */
  readonly ledger: Ledger;
  /** The role tag that stands in the catalogue for this member; undefined: not known. */
  readonly published: 'primary' | 'replica' | 'none' | undefined;
  /** How the action of the last decision ended; undefined when there was none or it goes on. */
  readonly outcome: Outcome | undefined;
}

/** This member, as its keeper sees it. */
export type Self =
  | { readonly kind: 'unknown'; readonly why: string }
  | {
      readonly kind: 'known';
      readonly managed: boolean;
      /** `half-done`: a rejoin was begun and did not end. */
      readonly data: 'none' | 'present' | 'half-done';
      readonly process: 'running' | 'stopped';
      /** Whether recovery has ended; also of a process that does not run. */
      readonly writable: boolean;
      readonly gate: Gate;
      readonly draining: boolean;
      /** A verb that the keeper is at. */
      readonly busy: string | undefined;
      readonly incarnation: string;
      /** Which database it is; undefined without data. */
      readonly origin: string | undefined;
      readonly history: Record['history'] | undefined;
      /** Flushed here; undefined when it cannot be asked. */
      readonly position: string | undefined;
      /** Statements of clients that run; undefined when it cannot be asked. */
      readonly statements: number | undefined;
      /** Whom it streams from. */
      readonly source:
        | {
            readonly address: string;
            readonly port: number | undefined;
            readonly streaming: boolean;
            readonly timeline?: number;
            /** How long ago, in ms, the last message came from there. */
            readonly heardMs?: number;
          }
        | undefined;
      /** Who streams from it: name (member and incarnation) and what is flushed there. */
      readonly feeds: readonly { readonly name: string; readonly position: string | undefined }[];
      /** Members for which a slot is kept. */
      readonly slots: readonly string[];
      readonly replayPaused: boolean;
      /** Its first checkpoint since the promotion is through: no member can be rewound to it before. */
      readonly checkpointed: boolean;
      /** For people: nothing is decided from it. A sentence each; what to do follows a semicolon. */
      readonly notes?: readonly string[];
    };
export type KnownSelf = Extract<Self, { kind: 'known' }>;

export type Gate =
  /** `proven`: seen to be, or so since before the server started. */
  | { readonly kind: 'closed'; readonly proven: boolean }
  | { readonly kind: 'hold' }
  /**
   * `standbys`: whose flush each commit waits for, by the names that they stream under; absent: no standby's. `proven`: a commit has
   * returned that way, and so everything that was acknowledged before it is there.
   */
  | { readonly kind: 'open'; readonly proven: boolean; readonly standbys?: readonly string[] | undefined }
  | { readonly kind: 'unknown'; readonly why: string };

/** What Consul holds. A value that cannot be read counts as not readable at all: nothing is decided from a part. */
export type Shared =
  | { readonly kind: 'unread'; readonly why: string }
  | {
      readonly kind: 'read';
      readonly leader: Keyed<Leader> & { readonly session: string | undefined };
      readonly epoch: Keyed<number>;
      readonly record: Keyed<Record>;
      readonly policy: Keyed<Policy>;
      readonly order: Keyed<FailoverOrder>;
    };
export type ReadShared = Extract<Shared, { kind: 'read' }>;

/** `index`: Consul's ModifyIndex, 0 for what is absent. */
export interface Keyed<T> {
  readonly index: number;
  readonly value: T | undefined;
}

export type SessionView =
  | { readonly kind: 'none' }
  | { readonly kind: 'valid'; readonly id: string }
  /** Consul could not be asked. */
  | { readonly kind: 'unknown' };

/** What the agent of another member says. */
export type Peer =
  /** `isUnreachable`: not even the connection was accepted in time, so that it may be the whole box. */
  | { readonly kind: 'unknown'; readonly why: string; readonly isUnreachable?: boolean }
  | {
      readonly kind: 'known';
      readonly self: Self;
      /** The highest epoch of a record on that member's disk. */
      readonly epoch: number;
      /** The highest revision of that record there; absent: it has not changed within its epoch. */
      readonly revision?: number | undefined;
      readonly eligible: { readonly ok: true } | { readonly ok: false; readonly why: string };
    };

export type Outcome =
  | {
      readonly kind: 'done';
      readonly action: LeadAction;
      readonly position?: string;
      /** Of a rejoin: where WAL that only this member had was put, in the driver's words. */
      readonly kept?: { readonly folder: string; readonly bytes: number };
    }
  | {
      readonly kind: 'refused' | 'failed' | 'timed-out' | 'unconfirmed';
      readonly action: LeadAction;
      readonly why: string;
      readonly reason?: string;
    };

// ---- what is remembered

/** In memory only: all of it may be lost, and the next look goes on from what is on disk and in Consul. */
export interface LeadState {
  /** A write succeeded in this epoch, and none without an answer has been sent since (R1). */
  readonly settledEpoch: number | undefined;
  /** Behind the held gate nothing was acknowledged after this position (R2). */
  readonly barrier: string | undefined;
  /** Since when this holder has been at a switchover. */
  readonly leavingMs: number | undefined;
  /** Since when the lease has been handed over and not taken. */
  readonly handedOverMs: number | undefined;
  /** Where this member was written up to when it last could be asked as a writable one. */
  readonly writtenTo: string | undefined;
  /** Since when this member holds the lease on its way to be promoted, and its keeper does not answer, is busy or fails. */
  readonly stuckMs: number | undefined;
  /** Since when this member is ordered to be promoted, and the fenced primary of a `sync` record is known to have more. */
  readonly behindMs: number | undefined;
  /** Since when another has been the holder and this member still runs as one. */
  readonly demotedMs: number | undefined;
  /** When this agent last had a checkpoint made. */
  readonly checkpointedMs: number | undefined;
  /** The last record that was seen is of another member, and no older than what this one held. */
  readonly isSuperseded: boolean;
  /** When the record's floor was last looked after. */
  readonly floorMs: number | undefined;
  /**
   * What the standby of the record must have flushed soon, and since when it stands here. `isOnItsWay`: it had not when this was seen.
   * `behindMs`: since when a later look has found that it has not.
   */
  readonly keepingUp:
    | {
        readonly position: string;
        readonly atMs: number;
        readonly isOnItsWay: boolean;
        readonly behindMs: number | undefined;
      }
    | undefined;
  /** The standby that could be added to the record, and since when it could. */
  readonly candidate: { readonly name: string; readonly sinceMs: number } | undefined;
  /** Standbys that were lost or could not be added, and when the next may be. */
  readonly adding: { readonly failures: number; readonly atMs: number } | undefined;
  /** Since when each other member that is writable has been seen behind a closed gate, and nowhere else. */
  readonly shutMs: Readonly<{ [member: string]: number }>;
  /** Since when the agent of the member that the record names first has been asked and has not said that it serves. */
  readonly unansweredMs: number | undefined;
  /** Since when its box has been asked and has accepted no connection. */
  readonly awayMs: number | undefined;
  /** Since when nothing at all shows that it is alive; undefined: it is, or was not asked for. */
  readonly silentMs: number | undefined;
  /** Since when the lease is free that this holder let go of as one that is fenced. */
  readonly asideMs: number | undefined;
  /** Since when this holder does not serve, as the probe says. */
  readonly unwellMs: number | undefined;
  /** Since when this holder is not open. */
  readonly downMs: number | undefined;
  /** Since when this heir holds the lease and does not answer what its position is. */
  readonly unreadMs: number | undefined;
  /** When this agent last let the lease go. */
  readonly letGoMs: number | undefined;
  /** Promotions in a row that failed, whatever else was done in between. */
  readonly failedPromotions: number;
  /** When this agent last had it fenced. */
  readonly fencedMs: number | undefined;
  /** With `roles: observe` and `promotion: auto`: the primary that was seen last, whom it fed, and since when it is silent or down. */
  readonly rehearsal:
    | { readonly primary: string; readonly heirs: readonly string[]; readonly downMs: number | undefined }
    | undefined;
  /** Why this member could not follow in that epoch. */
  readonly cannotFollow:
    { readonly epoch: number; readonly reason: string; readonly why: string } | undefined;
  /** Failures in a row of the same action, and when it may be tried again. */
  readonly retry:
    { readonly kind: LeadAction['kind']; readonly failures: number; readonly atMs: number } | undefined;
}
export const initialState: LeadState = {
  settledEpoch: undefined,
  barrier: undefined,
  leavingMs: undefined,
  handedOverMs: undefined,
  writtenTo: undefined,
  stuckMs: undefined,
  behindMs: undefined,
  demotedMs: undefined,
  checkpointedMs: undefined,
  isSuperseded: false,
  floorMs: undefined,
  keepingUp: undefined,
  candidate: undefined,
  adding: undefined,
  shutMs: {},
  unansweredMs: undefined,
  awayMs: undefined,
  silentMs: undefined,
  asideMs: undefined,
  unwellMs: undefined,
  downMs: undefined,
  unreadMs: undefined,
  letGoMs: undefined,
  failedPromotions: 0,
  fencedMs: undefined,
  rehearsal: undefined,
  cannotFollow: undefined,
  retry: undefined,
};

// ---- what is decided

/**
 * The role tag that this member may have: `as-seen` is what the probe saw (nothing is managed here), `unchanged` what stands there
 * already.
 */
export type Publication = 'primary' | 'replica' | 'none' | 'as-seen' | 'unchanged';

export interface LeadDecision {
  readonly state: LeadState;
  readonly action: LeadAction | undefined;
  /** The id of the row that decided. */
  readonly row: string;
  readonly sentence: string;
  readonly publish: Publication;
  /** Decide again at that time though nothing new was seen; undefined: not needed. */
  readonly wakeAtMs: number | undefined;
}
