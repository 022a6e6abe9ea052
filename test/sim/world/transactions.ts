import type { LeadAction, ReadShared } from '../../../agent/core/lead/model.js';
import type { failoverKeys } from '../../../common/failover/keys.js';
import type { Op } from './consul.js';

/** What the agent writes in one transaction, made of what it had read (R1). Undefined: that action does not write to Consul. */
export function transactionFor(
  action: LeadAction,
  seen: ReadShared,
  keys: ReturnType<typeof failoverKeys>,
  session: string,
): readonly Op[] | undefined {
  const dropOrder: Op[] = seen.order.value
    ? [{ verb: 'delete-cas', key: keys.order, index: seen.order.index }]
    : [];
  const sameOrder: Op = { verb: 'check-index', key: keys.order, index: seen.order.index };
  const sameRecord: Op = { verb: 'check-index', key: keys.record, index: seen.record.index };
  switch (action.kind) {
    case 'acquire':
      return [
        { verb: 'check-index', key: keys.leader, index: seen.leader.index },
        sameRecord,
        sameOrder,
        { verb: 'lock', key: keys.leader, value: action.value, session },
        ...(action.dropOrder ? dropOrder : []),
      ];
    case 'write-record':
      return [
        { verb: 'check-session', key: keys.leader, session },
        { verb: 'cas', key: keys.epoch, value: action.epoch, index: seen.epoch.index },
        { verb: 'cas', key: keys.record, value: action.record, index: seen.record.index },
        ...(action.dropOrder ? dropOrder : []),
      ];
    case 'release':
      return [
        { verb: 'check-session', key: keys.leader, session },
        sameRecord,
        sameOrder,
        { verb: 'unlock', key: keys.leader, value: action.value, session },
        ...(action.order === 'drop' ? dropOrder : []),
        ...(action.order === 'hand-over' && seen.order.value
          ? [
              {
                verb: 'cas' as const,
                key: keys.order,
                value: { ...seen.order.value, handedOver: true },
                index: seen.order.index,
              },
            ]
          : []),
      ];
    case 'drop-order':
      return dropOrder;
    default:
      return undefined;
  }
}
