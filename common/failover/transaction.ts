import { assertNever } from '../assert-never.js';
import type { FailoverOrder, Leader, Policy, Record } from './shapes.js';
import type { SharedKey, Snapshot } from './snapshot.js';

/**
 * What may be written, as a closed list. Each builds on the snapshot `was`: it names the index of every key that it changes or relies
 * on, and Consul refuses it when one of them has moved.
 */

/** Whoever holds the lease. */
export interface Holder {
  readonly session: string;
  readonly member: string;
}

/** All there are. */
export type Transaction =
  /** Takes the free lease, or the own one anew. `first`: makes epoch and record as well, for there is not any (R6). */
  | { readonly kind: 'acquire'; readonly was: Snapshot; readonly by: Holder; readonly first?: Record }
  /**
   * What a promotion leads to (G2): epoch, record, and the leader's value. The record's epoch must be above what stands there;
   * `isRecordLost`: or nothing readable stands there. `isOrderDone`: the order is removed.
   */
  | {
      readonly kind: 'promoted';
      readonly was: Snapshot;
      readonly by: Holder;
      readonly record: Record;
      readonly isOrderDone: boolean;
      readonly isRecordLost?: boolean;
    }
  /** Members or floor change, the epoch stays. */
  | { readonly kind: 'record'; readonly was: Snapshot; readonly by: Holder; readonly record: Record }
  /** Changes nothing but the index of the leader key: settles what is open. */
  | { readonly kind: 'confirm'; readonly was: Snapshot; readonly by: Holder }
  /** Lets the lease go. `order`: what stands of the order from then on. */
  | {
      readonly kind: 'release';
      readonly was: Snapshot;
      readonly by: Holder;
      readonly released: NonNullable<Leader['released']>;
      readonly order?: FailoverOrder;
    }
  /** The service is let go (R6): no record and no order stands any more, and the lease is free. The epoch stays. */
  | { readonly kind: 'letGo'; readonly was: Snapshot; readonly by: Holder }
  | { readonly kind: 'setPolicy'; readonly was: Snapshot; readonly policy: Policy }
  /** Only where none stands. */
  | { readonly kind: 'placeOrder'; readonly was: Snapshot; readonly order: FailoverOrder }
  | { readonly kind: 'removeOrder'; readonly was: Snapshot };

/** The keys whose index a transaction names. A holder's always names the leader key, and so dies with any change of it. */
export function namedKeys(transaction: Transaction): readonly SharedKey[] {
  switch (transaction.kind) {
    case 'acquire':
      return transaction.first ? ['leader', 'epoch', 'record'] : ['leader'];
    case 'promoted':
      return ['leader', 'epoch', 'record', ...(transaction.isOrderDone ? (['order'] as const) : [])];
    case 'record':
      return ['leader', 'epoch', 'record'];
    case 'confirm':
      return ['leader'];
    case 'release':
      return ['leader', ...(transaction.order ? (['order'] as const) : [])];
    case 'letGo':
      return ['leader', 'epoch', 'record', 'order'];
    case 'setPolicy':
      return ['policy'];
    case 'placeOrder':
    case 'removeOrder':
      return ['order'];
    default:
      return assertNever(transaction);
  }
}

/**
 * Whether a write without an answer is over: applied, and then `seen` shows it, or never to be applied. `seen` must be the answer of a
 * write that was applied later, or a consistent read; another read may be older than `was`.
 *
 * An index only goes up, and a key is never removed. So a write is over once an index that it names has moved. As long as none has, a read
 * proves nothing: Consul may apply it after that (R1). Then another write makes it move: of the holder a `confirm`, which changes
 * nothing else, of a candidate another `acquire` with the same session; of a policy or an order, the same once more. Every write
 * carries a mark of its own, for Consul leaves the index where it is when a value is written again as it was.
 */
export function isSettled(open: Transaction, seen: Snapshot): boolean {
  return namedKeys(open).some((key) => seen[key].index !== open.was[key].index);
}
