import { sharedKeys, type Slot, type Snapshot } from '../../../common/failover/snapshot.js';
import type { Holder, Transaction } from '../../../common/failover/transaction.js';
import type { LeadAction, Shared } from '../../core/lead/model.js';

/** What stands in Consul, in the words of the core: from a part of it nothing is decided. */
export function sharedOf(snapshot: Snapshot): Shared {
  for (const key of sharedKeys) {
    const slot = snapshot[key];
    if (slot.kind === 'unreadable') return { kind: 'unread', why: `the key "${key}": ${slot.why}` };
  }
  const of = <T>(slot: Slot<T>) => ({
    index: slot.index,
    value: slot.kind === 'value' ? slot.value : undefined,
  });
  return {
    kind: 'read',
    leader: { ...of(snapshot.leader), session: snapshot.holder },
    epoch: of(snapshot.epoch),
    record: of(snapshot.record),
    policy: of(snapshot.policy),
    order: of(snapshot.order),
  };
}

/** The transaction for that action, built on what it was decided from (R1). Undefined: it writes nothing to Consul. */
export function transactionFor(action: LeadAction, was: Snapshot, by: Holder): Transaction | undefined {
  switch (action.kind) {
    case 'acquire':
      return { kind: 'acquire', was, by, ...(action.first ? { first: action.first } : {}) };
    case 'write-record':
      return {
        kind: 'promoted',
        was,
        by,
        record: action.record,
        isOrderDone: action.isOrderDone,
        isRecordLost: action.isRecordLost,
      };
    case 'refresh-record':
    case 'change-record':
      return { kind: 'record', was, by, record: action.record };
    case 'let-service-go':
      return { kind: 'letGo', was, by };
    case 'confirm':
      return { kind: 'confirm', was, by };
    case 'release': {
      const { order } = was;
      const handedOver =
        action.handOver && order.kind === 'value' && order.value.kind === 'switchover'
          ? { ...order.value, handedOver: true }
          : undefined;
      return {
        kind: 'release',
        was,
        by,
        released: action.released,
        ...(handedOver ? { order: handedOver } : {}),
      };
    }
    case 'drop-order':
      return was.order.kind === 'value' && was.order.value.id === action.id
        ? { kind: 'removeOrder', was }
        : undefined;
    default:
      return undefined;
  }
}
