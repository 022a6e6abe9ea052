import type { LeadConfig, LeadObservation, LeadState, Publication } from './model.js';
import {
  isFollowing,
  isOrderedAway,
  isRecorded,
  isRecordLost,
  leaving,
  settledHolder,
  wasNewestHolder,
  type View,
} from './view.js';

/**
 * A role is published only once it is true, and taken back before it is given away: `primary` with lease, own epoch and open gate, until
 * a switchover has made its sessions read-only;
 * `replica` while it streams from the holder, or while the service has no holder. A member whose lease is merely lost keeps its role (L5).
 */
export function publicationOf(view: View): Publication {
  const { policy, situation, record } = view;
  // Until the holder has let go, the service is managed as before.
  if (policy.roles === 'observe' && !record) return ofLetGo(view);
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

/** Behind its gate a member acknowledges nothing, and one that was superseded is about to be fenced: no app should write to either. */
const ofLetGo = (view: View) =>
  view.situation === 'gated' || (view.situation === 'open' && !wasNewestHolder(view)) ? 'none' : 'as-seen';

function ofOpen(view: View): Publication {
  const { lease, record, seen } = view;
  if (!record || (isRecordLost(view) && wasNewestHolder(view))) return 'unchanged';
  if (!isRecorded(view) || record.epoch !== seen.ledger.epoch) return 'none';
  // Taken back while the gate is on its way to be closed: the lease is not handed over before.
  if (leaving(view) && view.self.draining) return 'none';
  if (lease === 'mine') return 'primary';
  return isOrderedAway(view) ? 'none' : 'unchanged';
}

const fits = ({ state, record, self }: View) =>
  state.cannotFollow === undefined && (record === undefined || self.origin === record.history.systemId);

/** While nothing is decided a role stays as it is, but `primary` of a member that knows that another was promoted after it. */
export function blindPublication(
  { isSuperseded }: LeadState,
  { published, shared, ledger }: LeadObservation,
  { member }: LeadConfig,
): Publication {
  if (published !== 'primary') return 'unchanged';
  const record = shared.kind === 'read' ? shared.record.value : undefined;
  const isOfAnother =
    record !== undefined && record.members[0]?.name !== member && record.epoch >= ledger.held;
  return isOfAnother || isSuperseded || ledger.seenEpoch > ledger.held ? 'none' : 'unchanged';
}
