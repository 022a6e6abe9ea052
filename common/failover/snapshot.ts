import { failoverKeys } from './keys.js';
import type { FailoverOrder, Leader, Policy, Record } from './shapes.js';
import { epochFormat, leaderFormat, orderFormat, policyFormat, recordFormat, type Format } from './values.js';

/** One key as Consul has it. */
export interface KeyValue {
  readonly key: string;
  readonly text: string;
  /** Consul's number of the last change of this key. */
  readonly index: number;
  /** Id of the session that holds it as a lock. */
  readonly session?: string | undefined;
}

/**
 * What stands in a key. A write names the `index` it builds on, and is refused when that has moved; 0: there is not such a key.
 * An order that was carried out is absent, and has an index.
 */
export type Slot<T> =
  | { readonly kind: 'absent'; readonly index: number }
  | { readonly kind: 'value'; readonly value: T; readonly index: number }
  /** Somebody else wrote it, or a later version. Not empty: nothing is decided from it. */
  | { readonly kind: 'unreadable'; readonly why: string; readonly index: number };

/** All that the agents of a service share, at one moment. */
export interface Snapshot {
  readonly leader: Slot<Leader>;
  /** Id of the session that holds the leader key; undefined: the lease is free. */
  readonly holder: string | undefined;
  readonly epoch: Slot<number>;
  readonly record: Slot<Record>;
  readonly policy: Slot<Policy>;
  readonly order: Slot<FailoverOrder>;
}

export const sharedKeys = ['leader', 'epoch', 'record', 'policy', 'order'] as const;
export type SharedKey = (typeof sharedKeys)[number];

/** Keys of others, and events, may be among them; of two with one name the later counts. */
export function snapshotOf(service: string, found: readonly KeyValue[]): Snapshot {
  const keys = failoverKeys(service);
  const byKey = new Map(found.map((each) => [each.key, each]));
  const slot = <T>(key: string, { parse }: Format<T | undefined>): Slot<T> => {
    const there = byKey.get(key);
    if (!there) return { kind: 'absent', index: 0 };
    const { index } = there;
    const parsed = parse(there.text);
    if (parsed.kind === 'unreadable') return { ...parsed, index };
    return parsed.value === undefined
      ? { kind: 'absent', index }
      : { kind: 'value', value: parsed.value, index };
  };
  return {
    leader: slot(keys.leader, leaderFormat),
    holder: byKey.get(keys.leader)?.session,
    epoch: slot(keys.epoch, epochFormat),
    record: slot(keys.record, recordFormat),
    policy: slot(keys.policy, policyFormat),
    order: slot(keys.order, orderFormat),
  };
}

/** Whether nothing was written in between. */
export function isSameSnapshot(one: Snapshot, other: Snapshot): boolean {
  return (
    one.holder === other.holder &&
    sharedKeys.every((key) => one[key].index === other[key].index && one[key].kind === other[key].kind)
  );
}
