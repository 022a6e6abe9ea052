import type { Publication } from './model.js';
import { isFollowing, isOrderedAway, isRecorded, settledHolder, type View } from './view.js';

/**
 * A role is published only once it is true, and taken back before it is given away: `primary` with lease, own epoch and open gate;
 * `replica` while it streams from the holder, or while the service has no holder. A member whose lease is merely lost keeps its role (L5).
 */
export function publicationOf(view: View): Publication {
  const { policy, situation, record } = view;
  if (policy.roles === 'observe') return 'as-seen';
  switch (situation) {
    case 'unmanaged':
      return record === undefined || !view.self.writable ? 'as-seen' : 'none';
    case 'open':
      return ofOpen(view);
    case 'gated':
      // On the way up it goes on serving reads under the role it had.
      return view.lease === 'mine' && view.seen.published === 'replica' ? 'unchanged' : 'none';
    case 'standby':
      return isFollowing(view) || (settledHolder(view) === undefined && fits(view)) ? 'replica' : 'none';
    case 'stopped':
      // Whether it answers is the check's business.
      return record !== undefined && !isRecorded(view) ? 'none' : 'unchanged';
    case 'empty':
    case 'half-rejoined':
      return 'none';
  }
}

function ofOpen(view: View): Publication {
  const { lease, record, seen } = view;
  if (!record) return 'unchanged';
  if (!isRecorded(view) || record.epoch !== seen.ledger.epoch) return 'none';
  if (lease === 'mine') return 'primary';
  return isOrderedAway(view) ? 'none' : 'unchanged';
}

const fits = ({ state, record, self }: View) =>
  state.cannotFollow === undefined && (record === undefined || self.origin === record.history.systemId);
