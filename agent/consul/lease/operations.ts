import { assertNever } from '../../../common/assert-never.js';
import { failoverKeys } from '../../../common/failover/keys.js';
import type { Leader } from '../../../common/failover/shapes.js';
import { sharedKeys, type SharedKey, type Slot, type Snapshot } from '../../../common/failover/snapshot.js';
import type { Holder, Transaction } from '../../../common/failover/transaction.js';
import {
  epochFormat,
  leaderFormat,
  orderFormat,
  policyFormat,
  recordFormat,
} from '../../../common/failover/values.js';
import type { Conflict } from '../../lease-port.js';

/** One operation of a Consul transaction. */
export interface Operation {
  readonly verb:
    | 'check-session'
    | 'check-index'
    | 'check-not-exists'
    | 'lock'
    | 'unlock'
    | 'cas'
    | 'get-tree'
    | 'set'
    | 'delete';
  readonly key: string;
  readonly index?: number;
  readonly session?: string;
  readonly text?: string;
}

/** As Consul's HTTP wants them. `mark`: kept beside each value, so that the same value written again is a change (R1). */
export function toJson(operations: readonly Operation[], mark: number): unknown {
  return operations.map(({ verb, key, index, session, text }) => ({
    KV: {
      Verb: verb,
      Key: key,
      ...(index !== undefined && { Index: index }),
      ...(session !== undefined && { Session: session }),
      ...(text !== undefined && { Value: Buffer.from(text, 'utf8').toString('base64'), Flags: mark }),
    },
  }));
}

/** What a transaction may ask for besides itself: all shared keys as they are then. */
export function readingAll(service: string): Operation[] {
  const keys = failoverKeys(service);
  // `get` would fail the whole transaction for a key that is not there.
  return sharedKeys.map((key) => ({ verb: 'get-tree', key: keys[key] }));
}

/** Which shared key an operation is about. */
export function sharedKeyOf(service: string, key: string): SharedKey {
  return sharedKeys.find((name) => failoverKeys(service)[name] === key) ?? 'leader';
}

/** Throws a TypeError for a value that its own shape does not read. */
export function operationsOf(service: string, transaction: Transaction): Operation[] | Conflict {
  const { was } = transaction;
  const on = operationsOn(service, was);
  switch (transaction.kind) {
    case 'acquire': {
      const { by, first } = transaction;
      const wrong = first && epochConflict(was.epoch, first.epoch, 'not below');
      if (wrong) return wrong;
      const epoch = first?.epoch ?? epochIn(was) ?? 0;
      return [
        on.isAsRead('leader'),
        on.lock(by, { member: by.member, epoch }),
        ...(first ? [on.isHeldBy(by), ...on.promotion(first)] : []),
      ];
    }
    case 'promoted': {
      const { by, record, isOrderDone, isRecordLost = false } = transaction;
      const wrong = epochConflict(was.epoch, record.epoch, isRecordLost ? 'above, or unreadable' : 'above');
      if (wrong) return wrong;
      return [
        on.isHeldBy(by),
        on.isAsRead('leader'),
        on.lock(by, { member: by.member, epoch: record.epoch }),
        ...on.promotion(record),
        ...(isOrderDone ? [on.write('order', orderFormat.print(undefined))] : []),
      ];
    }
    case 'record': {
      const { by, record } = transaction;
      const wrong = epochConflict(was.epoch, record.epoch, 'the same');
      if (wrong) return wrong;
      return [
        on.isHeldBy(by),
        on.isAsRead('leader'),
        on.isAsRead('epoch'),
        on.write('record', recordFormat.print(record)),
      ];
    }
    case 'confirm': {
      const { by } = transaction;
      return [on.isHeldBy(by), on.isAsRead('leader'), on.lock(by, leaderIn(was, by))];
    }
    case 'release': {
      const { by, released, order } = transaction;
      return [
        on.isHeldBy(by),
        on.isAsRead('leader'),
        on.unlock(by, { ...leaderIn(was, by), released }),
        ...(order ? [on.write('order', orderFormat.print(order))] : []),
      ];
    }
    case 'letGo': {
      const { by } = transaction;
      return [
        on.isHeldBy(by),
        on.isAsRead('leader'),
        on.isAsRead('epoch'),
        on.write('record', recordFormat.print(undefined)),
        on.write('order', orderFormat.print(undefined)),
        on.unlock(by, leaderIn(was, by)),
      ];
    }
    case 'setPolicy':
      return [on.write('policy', policyFormat.print(transaction.policy))];
    case 'placeOrder':
      if (was.order.kind !== 'absent')
        return { key: 'order', cause: 'stands', why: 'another order is not carried out yet' };
      return [on.write('order', orderFormat.print(transaction.order))];
    case 'removeOrder':
      return [on.write('order', orderFormat.print(undefined))];
    default:
      return assertNever(transaction);
  }
}

function operationsOn(service: string, was: Snapshot) {
  const keys = failoverKeys(service);
  const print = (leader: Leader) => leaderFormat.print(leader);
  const write = (name: SharedKey, text: string): Operation => ({
    verb: 'cas',
    key: keys[name],
    index: was[name].index,
    text,
  });
  return {
    write,
    isAsRead: (name: SharedKey): Operation =>
      was[name].index === 0
        ? { verb: 'check-not-exists', key: keys[name] }
        : { verb: 'check-index', key: keys[name], index: was[name].index },
    isHeldBy: ({ session }: Holder): Operation => ({ verb: 'check-session', key: keys.leader, session }),
    lock: ({ session }: Holder, value: Leader): Operation => ({
      verb: 'lock',
      key: keys.leader,
      session,
      text: print(value),
    }),
    unlock: ({ session }: Holder, value: Leader): Operation => ({
      verb: 'unlock',
      key: keys.leader,
      session,
      text: print(value),
    }),
    promotion: (record: NonNullable<(Transaction & { kind: 'promoted' })['record']>): Operation[] => [
      write('epoch', epochFormat.print(record.epoch)),
      write('record', recordFormat.print(record)),
    ],
  };
}

/** The holder's value without what an earlier release left in it. */
function leaderIn(was: Snapshot, { member }: Holder): Leader {
  return { member, epoch: was.leader.kind === 'value' ? was.leader.value.epoch : (epochIn(was) ?? 0) };
}

const epochIn = ({ epoch }: Snapshot): number | undefined =>
  epoch.kind === 'value' ? epoch.value : undefined;

/** An epoch only goes up, and whatever is not known is not overwritten, unless an operator says so. */
function epochConflict(
  there: Slot<number>,
  wanted: number,
  must: 'above' | 'above, or unreadable' | 'not below' | 'the same',
): Conflict | undefined {
  if (there.kind === 'unreadable')
    return must === 'above, or unreadable'
      ? undefined
      : { key: 'epoch', cause: 'epoch', why: `the epoch in Consul cannot be read: ${there.why}` };
  const now = there.kind === 'value' ? there.value : 0;
  const fits = { above: wanted > now, 'above, or unreadable': wanted > now, 'not below': wanted >= now };
  if (must === 'the same' ? there.kind === 'value' && wanted === now : fits[must]) return undefined;
  const is = there.kind === 'absent' ? 'there is not one in Consul' : `that in Consul is ${now}`;
  return { key: 'epoch', cause: 'epoch', why: `epoch ${wanted} must be ${must} and ${is}` };
}
