import type { LeadState } from './model.js';
import { isInRecord } from './standbys.js';
import { isOrdered, isRecorded, knownPeer, recorded, type View } from './view.js';

/** Whether whoever held the lease before can acknowledge nothing any more (O1). */
export function isFenceSure(view: View): boolean {
  const { order, shared } = view;
  const { value } = shared.leader;
  if (order?.kind === 'promote')
    return (
      order.oldPrimaryIsOff ||
      recorded(view) === view.me ||
      // Whoever else is in it acknowledges nothing once this one is promoted.
      isInRecord(view) ||
      // Only what the recorded member says of itself.
      (value?.released?.fenced === true && value.member === recorded(view))
    );
  return true;
}

/** Ordered, outside a `sync` record whose fenced primary has more: commits would be lost, and that the operator has not said. */
const isKnownToHaveLess = (view: View): boolean => {
  const { order, shared, record } = view;
  if (order?.kind !== 'promote' || !isOrdered(view) || order.oldPrimaryIsOff || order.recordLost)
    return false;
  if (record?.durability !== 'sync' || isRecorded(view) || isInRecord(view)) return false;
  const old = knownPeer(view, recorded(view))?.self;
  const positions = [shared.leader.value?.released?.position, record.floor];
  const copies = [
    ...positions.map((position) => ({ history: record.history, position })),
    ...(old?.kind === 'known' && old.origin === record.history.systemId ? [old] : []),
  ];
  return copies.some(
    (copy) =>
      copy.position !== undefined && copy.history !== undefined && !view.config.hasAllOf(view.self, copy),
  );
};

/** So long such an order stands, in ms. */
export const behindMs = 3_000;

export const keepBehindTime = (state: LeadState, view: View): Pick<LeadState, 'behindMs'> => ({
  behindMs:
    view.situation === 'standby' && isFenceSure(view) && isKnownToHaveLess(view)
      ? (state.behindMs ?? view.nowMs)
      : undefined,
});
