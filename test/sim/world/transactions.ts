import type { LeadAction, ReadShared } from '../../../agent/core/lead/model.js';
import type { failoverKeys } from '../../../common/failover/keys.js';
import type { Op } from './consul.js';

/** What the agent writes in one transaction, made of what it had read (R1). Undefined: that action does not write to Consul. */
export function transactionFor(
  action: LeadAction,
  seen: ReadShared,
  keys: ReturnType<typeof failoverKeys>,
  session: string,
  member: string,
): readonly Op[] | undefined {
  const order = seen.order;
  const dropOrder: Op = { verb: 'delete-cas', key: keys.order, index: order.index };
  const sameLeader: Op = { verb: 'check-index', key: keys.leader, index: seen.leader.index };
  const mine: Op = { verb: 'check-session', key: keys.leader, session };
  const leader = (value: unknown): Op => ({ verb: 'lock', key: keys.leader, value, session });
  const record = (value: { epoch: number }): Op[] => [
    { verb: 'cas', key: keys.epoch, value: value.epoch, index: seen.epoch.index },
    { verb: 'cas', key: keys.record, value, index: seen.record.index },
  ];
  switch (action.kind) {
    case 'acquire':
      return [
        sameLeader,
        leader({ member, epoch: action.epoch }),
        ...(action.first ? record(action.first) : []),
      ];
    case 'write-record':
      return [
        sameLeader,
        mine,
        leader({ member, epoch: action.record.epoch }),
        ...record(action.record),
        ...(action.isOrderDone && order.value ? [dropOrder] : []),
      ];
    case 'refresh-record':
    case 'change-record':
      return [
        sameLeader,
        mine,
        { verb: 'check-index', key: keys.epoch, index: seen.epoch.index },
        { verb: 'cas', key: keys.record, value: action.record, index: seen.record.index },
      ];
    case 'let-service-go':
      return [
        sameLeader,
        mine,
        { verb: 'check-index', key: keys.epoch, index: seen.epoch.index },
        { verb: 'cas', key: keys.record, value: undefined, index: seen.record.index },
        { verb: 'cas', key: keys.order, value: undefined, index: order.index },
        { verb: 'unlock', key: keys.leader, value: seen.leader.value, session },
      ];
    case 'confirm':
      return [sameLeader, mine, leader(seen.leader.value)];
    case 'release':
      return [
        sameLeader,
        mine,
        {
          verb: 'unlock',
          key: keys.leader,
          value: { ...seen.leader.value, released: action.released },
          session,
        },
        ...(action.handOver && order.value
          ? [
              {
                verb: 'cas' as const,
                key: keys.order,
                value: { ...order.value, handedOver: true },
                index: order.index,
              },
            ]
          : []),
      ];
    case 'drop-order':
      return [dropOrder];
    default:
      return undefined;
  }
}
