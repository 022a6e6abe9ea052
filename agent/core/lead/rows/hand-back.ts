import type { FailoverOrder, Policy } from '../../../../common/failover/shapes.js';
import { isHeir } from '../auto/auto.js';
import type { LeadAction, LeadConfig, LeadObservation, LeadState } from '../model.js';
import type { Row } from '../row.js';
import { isAtLeast, isOrderedAway, isRecorded, leaving, type View } from '../view.js';

/** With how far it had written: what does not run, or is still replaying, had more. */
export function letGo(view: View): LeadAction {
  const { self, state } = view;
  const before = isRecorded(view) ? state.writtenTo : undefined;
  const position = isAtLeast(view, self.position, before) ? self.position : (before ?? self.position);
  return {
    kind: 'release',
    released: { fenced: true, ...(position === undefined ? {} : { position }) },
    handOver: false,
  };
}

/** The order first: with it in place the lease would be taken again. */
const giveUp = (view: View, why: string): LeadAction =>
  view.order && view.order.kind !== 'rejoin' ? { kind: 'drop-order', id: view.order.id, why } : letGo(view);

/** A promotion that failed so often in a row is not tried again for a switchover: the old holder goes on. */
const maxPromotions = 3;

/** So long a member that holds the lease for a promotion may get nothing from its keeper, in ms. */
export const stuckMs = 3_000;

export const isStuck = ({ stuckMs: since }: LeadState, nowMs: number): boolean =>
  since !== undefined && nowMs - since >= stuckMs;

/** Only from a promotion that another can take back: without an order the primary is dead, and this member may come through yet. */
const isGivenTo = (order: FailoverOrder | undefined, { promotion }: Policy, me: string) =>
  order === undefined
    ? promotion === 'manual'
    : order.kind === 'switchover' && order.handedOver && order.to === me;

/**
 * Since when this member has held the lease for a promotion and got nothing from its keeper. Asked also where nothing else can be
 * decided, so from what stands in Consul and on this disk alone.
 */
export function stuckSince(
  { stuckMs: since, retry }: LeadState,
  { nowMs, self, session, shared, ledger }: LeadObservation,
  { firstPolicy, member }: LeadConfig,
  isBlind: boolean,
): number | undefined {
  if (shared.kind === 'unread' || session.kind !== 'valid' || shared.leader.session !== session.id)
    return undefined;
  const { record, order, policy } = shared;
  const { roles, paused } = policy.value ?? firstPolicy;
  // The record must be newer than whatever this member led in: then it has opened no gate since.
  const isOfAnother =
    record.value !== undefined &&
    record.value.members[0]?.name !== member &&
    record.value.epoch > ledger.held &&
    record.value.epoch >= ledger.seenEpoch;
  if (!isOfAnother || roles === 'observe' || paused) return undefined;
  if (!isGivenTo(order.value, policy.value ?? firstPolicy, member)) return undefined;
  const isServed = self.kind === 'known' && self.busy === undefined && !isBlind;
  const isFailing = retry !== undefined && ofKeeperOrDisk.includes(retry.kind);
  return isServed && !isFailing ? undefined : (since ?? nowMs);
}

const ofKeeperOrDisk: readonly LeadAction['kind'][] = ['remember', 'close-gate', 'promote'];

/**
 * The only thing besides a fence that is done without the keeper's word. It is safe, how far the promotion may have come:
 *
 * - G1: this member's gate is closed, or it is in recovery, and only this agent opens it: not before the record names this member, which
 *   this one's word says is not so. Whatever it has committed behind the gate was acknowledged to none.
 * - R1: a record of its own that is still on its way names the leader key as it was, which this write moves. Had it been applied, this
 *   write would be refused, and the next look find the record.
 * - R4: the record still names the old primary and whoever was in it before: what it promises of them is as true as it was.
 *
 * The order stays: the old primary takes back a lease that is free, drops the order, and only then opens its gate. Should this keeper
 * answer before that, this member may take the lease anew.
 */
export const letGoBlind: LeadAction = { kind: 'release', released: { fenced: true }, handOver: false };

/** A member that holds the lease and cannot, or may not, use it. */
export const handBackRows: readonly Row[] = [
  {
    id: 'released-fenced',
    rules: ['F2', 'O1', 'L6'],
    in: ['stopped', 'standby', 'empty', 'half-rejoined'],
    lease: ['mine'],
    condition: 'an operator ordered the promotion of another member, and this one acknowledges nothing',
    // Without data a process may still be there, and acknowledge.
    when: (view) =>
      view.order?.kind === 'promote' &&
      isOrderedAway(view) &&
      (view.situation === 'standby' || view.self.process === 'stopped'),
    does: (view) => letGo(view),
    doing: 'let the lease go, and say that it is fenced',
    says: () => 'an operator ordered the promotion of another member: the lease is let go',
  },
  {
    id: 'crashed-on-the-way',
    rules: ['O4'],
    in: ['standby'],
    lease: ['mine'],
    condition: 'the holder was restarted during a switchover',
    when: (view) => leaving(view) !== undefined,
    does: (view) => ({
      kind: 'drop-order',
      id: view.order?.id ?? '',
      why: `${view.me} was restarted on the way`,
    }),
    doing: 'give the switchover up',
    says: () => 'the primary was restarted during the switchover, which is given up',
  },
  {
    id: 'useless',
    rules: ['R1', 'O4'],
    in: ['stopped', 'empty', 'half-rejoined'],
    lease: ['mine'],
    condition: 'this member took the lease on an order and does not run',
    when: (view) => !isRecorded(view),
    does: (view) => giveUp(view, `${view.me} does not run`),
    doing: 'drop the order, then let the lease go',
    says: () => 'it does not run: the lease is let go',
  },
  {
    id: 'cannot-promote',
    rules: ['O4', 'R1'],
    in: ['standby', 'gated'],
    lease: ['mine'],
    condition:
      'its promotion without an operator or for a switchover failed three times, or for a switchover its keeper has failed for 3 seconds',
    when: (view) =>
      (view.order?.kind === 'switchover' || isHeir(view)) && !isRecorded(view) && isPromotionHopeless(view),
    does: (view) => giveUp(view, `${view.me} could not be promoted`),
    doing: 'drop the order, then let the lease go',
    says: ({ order }) =>
      order?.kind === 'switchover'
        ? 'it could not be promoted: the lease is let go, and the old primary goes on'
        : 'it could not be promoted: the lease is free for the old primary, or for another try',
  },
];

/** One that has come through after all goes on. */
const isPromotionHopeless = ({ state: { retry, ...state }, situation, nowMs }: View) =>
  situation === 'gated'
    ? retry?.kind !== 'promote' && isStuck({ retry, ...state }, nowMs)
    : isStuck({ retry, ...state }, nowMs) || (retry?.kind === 'promote' && retry.failures >= maxPromotions);
