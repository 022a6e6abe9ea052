import type { FailoverOrder, Leader, Policy, Record } from '../../../common/failover/shapes.js';

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
  /** An ordered target may lag so much behind and is waited for; in the driver's measure, bytes for Postgres. */
  readonly distance: (from: string, to: string) => number | undefined;
  readonly maxLag: number;
}

// ---- what is observed

export interface LeadObservation {
  /** Monotonic ms. */
  readonly nowMs: number;
  readonly self: Self;
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
          }
        | undefined;
      /** Who streams from it: name (member and incarnation) and what is flushed there. */
      readonly feeds: readonly { readonly name: string; readonly position: string | undefined }[];
      /** Members for which a slot is kept. */
      readonly slots: readonly string[];
      readonly replayPaused: boolean;
      /** Its first checkpoint since the promotion is through: no member can be rewound to it before. */
      readonly checkpointed: boolean;
    };
export type KnownSelf = Extract<Self, { kind: 'known' }>;

export type Gate =
  /** `proven`: seen to be, or so since before the server started. */
  | { readonly kind: 'closed'; readonly proven: boolean }
  | { readonly kind: 'hold' }
  | { readonly kind: 'open'; readonly proven: boolean }
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
  | { readonly kind: 'unknown'; readonly why: string }
  | {
      readonly kind: 'known';
      readonly self: Self;
      /** The highest epoch of a record on that member's disk. */
      readonly epoch: number;
      readonly eligible: { readonly ok: true } | { readonly ok: false; readonly why: string };
    };

/** What this agent keeps on disk before it acts on it (D5). */
export interface Ledger {
  /** The highest epoch that this member was, or is about to be, the holder of. */
  readonly epoch: number;
  /** The highest epoch that was seen in a record, whoever's: Consul may forget it (R6). */
  readonly seenEpoch: number;
  /** The highest epoch in which a record was seen to name this member. */
  readonly held: number;
  readonly session: string | undefined;
  /** Whether this member was the holder and nothing else has begun since. */
  readonly holder: boolean;
  /** The incarnation that a rejoin is to replace, until what replaced it runs. */
  readonly rejoining: string | undefined;
}
export const emptyLedger: Ledger = {
  epoch: 0,
  seenEpoch: 0,
  held: 0,
  session: undefined,
  holder: false,
  rejoining: undefined,
};

export type Outcome =
  | { readonly kind: 'done'; readonly action: LeadAction; readonly position?: string }
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
  /** Since when another has been the holder and this member still runs as one. */
  readonly demotedMs: number | undefined;
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
  demotedMs: undefined,
  cannotFollow: undefined,
  retry: undefined,
};

// ---- what is done

/** One at a time: its outcome is part of the next observation. `fence` interrupts any other. */
export type LeadAction =
  // this box's disk
  | { readonly kind: 'remember'; readonly ledger: Ledger }
  // Consul. `seen`: what the decision was made from; the transaction fails where that has changed (R1).
  | { readonly kind: 'open-session' }
  | { readonly kind: 'end-session'; readonly session: string }
  /** `first`: the record that comes with it if Consul holds none (R6). */
  | { readonly kind: 'acquire'; readonly epoch: number; readonly first?: Record }
  /** Epoch and record of a promotion; `isRecordLost`: Consul holds none. */
  | {
      readonly kind: 'write-record';
      readonly record: Record;
      readonly isOrderDone: boolean;
      readonly isRecordLost: boolean;
    }
  /** Changes nothing, and settles what had no answer (R1). */
  | { readonly kind: 'confirm' }
  /** `handOver`: the order's target may take the lease from then on. */
  | {
      readonly kind: 'release';
      readonly released: NonNullable<Leader['released']>;
      readonly handOver: boolean;
    }
  | { readonly kind: 'drop-order'; readonly id: string; readonly why: string }
  // the keeper
  | { readonly kind: 'manage'; readonly gate: 'close' | 'as-is' }
  | { readonly kind: 'release-management' }
  | { readonly kind: 'close-gate' }
  | { readonly kind: 'hold-gate' }
  | { readonly kind: 'finalise-gate' }
  | { readonly kind: 'open-gate' }
  | { readonly kind: 'drain' }
  | { readonly kind: 'end-drain' }
  | { readonly kind: 'promote' }
  | { readonly kind: 'fence' }
  | { readonly kind: 'follow'; readonly from: Source }
  | { readonly kind: 'rejoin'; readonly method: 'rewind' | 'basebackup'; readonly from: Source }
  | { readonly kind: 'checkpoint' }
  | { readonly kind: 'keep-slots'; readonly members: readonly string[] }
  // the box's service manager
  | { readonly kind: 'start-process' };

/**
 * The role tag that this member may have: `as-seen` is what the probe saw (nothing is managed here), `unchanged` what stands there
 * already.
 */
export type Publication = 'primary' | 'replica' | 'none' | 'as-seen' | 'unchanged';

/** Whom to follow, and which history that one has (D4). */
export interface Source {
  readonly address: string;
  readonly port: number;
  readonly history: Record['history'];
}

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
