import type { Leader, Record } from '../../../common/failover/shapes.js';

/** What this agent keeps on disk before it acts on it (D5). */
export interface Ledger {
  /** The highest epoch that this member was, or is about to be, the holder of. */
  readonly epoch: number;
  /** The highest epoch that was seen in a record, whoever's: Consul may forget it (R6). */
  readonly seenEpoch: number;
  /** The highest revision of a record of that epoch that was seen (R6). */
  readonly seenRevision?: number | undefined;
  /** The highest epoch that another agent was heard to know while Consul showed an older record: a backup of Consul was restored (R6). */
  readonly heardEpoch?: number | undefined;
  /** The epoch that was handed over by a switchover, until the lease is taken again: held without that, it is of a restored backup (R6). */
  readonly handedOver?: number | undefined;
  /** The revision at which a lease that was handed over was taken back: the record is numbered anew before the gate opens (R6). */
  readonly takenBack?: number | undefined;
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
  /** The record of the same epoch with another floor (R5). */
  | { readonly kind: 'refresh-record'; readonly record: Record }
  /** Who is in the record of this epoch, and its durability (R2, R3, R8). */
  | { readonly kind: 'change-record'; readonly record: Record }
  /** Changes nothing, and settles what had no answer (R1). */
  | { readonly kind: 'confirm' }
  /** `handOver`: the order's target may take the lease from then on. */
  | {
      readonly kind: 'release';
      readonly released: NonNullable<Leader['released']>;
      readonly handOver: boolean;
    }
  | { readonly kind: 'drop-order'; readonly id: string; readonly why: string }
  /** No record, no holder, no order any more (R6). */
  | { readonly kind: 'let-service-go' }
  // the keeper
  | { readonly kind: 'manage'; readonly gate: 'close' | 'as-is' }
  /** `isWritable`: it is to stay so; refused where it was restarted meanwhile. */
  | { readonly kind: 'release-management'; readonly isWritable: boolean }
  | { readonly kind: 'close-gate' }
  | { readonly kind: 'hold-gate' }
  | { readonly kind: 'finalise-gate' }
  /** `standbys`: whose flush a commit waits for from then on; empty: no standby's. */
  | { readonly kind: 'open-gate'; readonly standbys: readonly string[] }
  /** Commits wait for that standby from then on, and it has all that was acknowledged before; else all is as it was (R2). */
  | { readonly kind: 'add-standby'; readonly standby: string }
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

/** Whom to follow, and which history that one has (D4). */
export interface Source {
  readonly address: string;
  readonly port: number;
  readonly history: Record['history'];
}
