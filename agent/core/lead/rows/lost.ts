import type { KnownSelf, LeadAction } from '../model.js';
import { take, type Row } from '../row.js';
import {
  isRecordLost,
  knownEpoch,
  knownPeer,
  lostOrder,
  others,
  wasNewestHolder,
  type View,
} from '../view.js';
import { hindrance, recordOf, writeRecord } from './adopt.js';

/** A record is made by the first primary, and one that was lost made anew by whom it named last. */
const mayBegin = (view: View) => (!view.record && view.seen.ledger.seenEpoch === 0) || wasNewestHolder(view);

/** What the record of the running primary is numbered: the epoch stays unless Consul knows it already. */
const ownEpoch = ({ seen: { ledger }, epoch }: View) => Math.max(epoch + 1, ledger.seenEpoch, ledger.epoch);

const isOrderedHere = (view: View) => lostOrder(view)?.to === view.me;
const isOffSaid = (view: View) => lostOrder(view)?.oldPrimaryIsOff === true;

/** Why the ordered member may not be promoted yet; an operator who says that the old primary is off answers for what others have. */
function obstacle(view: View): string | undefined {
  for (const name of others(view)) {
    const peer = knownPeer(view, name);
    if (!peer || peer.self.kind === 'unknown') {
      if (isOffSaid(view)) continue;
      return `${name} does not answer: if it is off, say --old-primary-is-off`;
    }
    const { data, process, writable, gate, origin } = peer.self;
    if (data !== 'present') continue;
    if (process === 'running' && writable && gate.kind !== 'closed')
      return `${name} runs as a primary: order that one, or withdraw the order`;
    if (isOffSaid(view)) continue;
    if (peer.epoch > view.seen.ledger.seenEpoch) return `${name} knows epoch ${peer.epoch}: it may be newer`;
    if (origin !== view.self.origin) return `${name} has another database`;
    if (!view.config.hasAllOf(view.self, peer.self)) return `${name} has more, or is not known to have less`;
  }
  return undefined;
}

/** An ordered member that holds the lease goes on as in any other promotion; so does one that has to break a session first. */
const isUnderWay = (view: View) =>
  isOrderedHere(view) &&
  // A restored backup can bring back an order, and with it the lease.
  ((view.lease === 'mine' && (view.situation !== 'standby' || obstacle(view) === undefined)) ||
    (view.lease === 'other' && isOffSaid(view)));

/** The primary that may write the record by itself, where no operator has ordered another. */
const isClaimant = (view: View) =>
  (view.situation === 'open' || view.situation === 'gated') && mayBegin(view) && !lostOrder(view);

/** Consul does not hold the newest record: before the first, after its data was lost, or an older backup restored (R6). */
export const lostRows: readonly Row[] = [
  {
    id: 'order-needless',
    rules: ['R6'],
    in: 'any',
    lease: 'any',
    condition:
      'an operator ordered a promotion because the record was lost, and Consul holds the newest record',
    when: (view) =>
      view.order?.kind === 'promote' &&
      view.order.recordLost &&
      lostOrder(view) === undefined &&
      (view.lease === 'mine' || view.order.to === view.me),
    does: ({ order }) => ({
      kind: 'drop-order',
      id: order?.id ?? '',
      why: 'the record is not lost: "hotspare promote" does without --record-lost',
    }),
    doing: 'drop the order',
    says: ({ record }) => `the record of epoch ${record?.epoch} is there: the order is dropped`,
  },
  {
    id: 'take-lost',
    rules: ['R6', 'R1'],
    in: ['standby', 'open'],
    lease: ['free'],
    condition:
      'the record is lost, an operator ordered this member, and no other has more or may acknowledge, as far as is seen or the operator said',
    when: (view) => isOrderedHere(view) && obstacle(view) === undefined,
    does: (view) => take(view, view.nextEpoch),
    doing: 'take the lease',
    says: () => 'the record is lost, and an operator ordered this member: it takes the lease',
  },
  {
    id: 'take-lost-wait',
    rules: ['R6'],
    in: ['standby', 'open'],
    lease: ['free'],
    condition: 'the record is lost, an operator ordered this member, and another member stands in the way',
    when: isOrderedHere,
    doing: 'wait',
    wakeAfterMs: 100,
    says: (view) => `the record is lost, and this member is not promoted yet: ${obstacle(view)}`,
  },
  {
    id: 'record-lost-open',
    rules: ['R6', 'R1', 'D5'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the record is lost, and an operator ordered this member, which runs as the primary',
    when: isOrderedHere,
    does: (view) => writeRecord(view, view.nextEpoch, true),
    doing: 'write epoch and record',
    says: (view) => `the running primary writes the record, epoch ${view.nextEpoch}`,
  },
  {
    id: 'first-lease',
    rules: ['R6', 'R1'],
    in: ['open', 'gated'],
    lease: ['free'],
    condition:
      'Consul holds no record, or one older than this holder wrote, and no other member knows a newer epoch',
    when: (view) => isRecordLost(view) && mayBegin(view) && hindrance(view) === undefined,
    does: (view) => take(view, ownEpoch(view), view.epoch === 0 ? recordOf(view, ownEpoch(view)) : undefined),
    doing: 'take the lease, and write the record with it',
    says: () => 'Consul holds no record: the running primary takes the lease',
  },
  {
    id: 'first-record',
    rules: ['R6', 'R1', 'D5'],
    in: ['open', 'gated'],
    lease: ['mine'],
    condition:
      'Consul holds no record, or one older than this holder wrote, and no other member knows a newer epoch',
    when: (view) =>
      isRecordLost(view) &&
      mayBegin(view) &&
      hindrance(view) === undefined &&
      view.self.history !== undefined,
    // An order of an older Consul is not one of today.
    does: (view): LeadAction | undefined => writeRecord(view, ownEpoch(view), view.order !== undefined),
    doing: 'write the record',
    says: () => 'the running primary writes the record',
  },
  {
    id: 'release-lost',
    rules: ['R6', 'L2'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'gated', 'open'],
    lease: ['mine'],
    condition:
      'the newest record is not in Consul, and this member holds the lease and is neither ordered nor the primary that wrote it',
    when: (view) => isRecordLost(view) && !isUnderWay(view) && !isClaimant(view),
    does: ({ situation }) => ({
      kind: 'release',
      released: { fenced: situation !== 'open' },
      handOver: false,
    }),
    doing: 'let the lease go',
    says: () => 'the record is lost, and others may have more: the lease is let go',
  },
  {
    id: 'epoch-behind',
    rules: ['R6', 'L2'],
    in: ['empty', 'half-rejoined', 'stopped', 'standby', 'gated', 'open'],
    lease: 'any',
    condition:
      'Consul holds a record, and a newer epoch is known here or by another member, or a newer record of this epoch here',
    when: (view) => view.record !== undefined && isRecordLost(view) && !isUnderWay(view),
    doing: 'wait',
    wakeAfterMs: 1_000,
    says: (view) =>
      `${
        knownEpoch(view) > view.epoch
          ? `epoch ${knownEpoch(view)} is known, and Consul shows ${view.epoch}`
          : `a newer record of epoch ${view.epoch} is known than Consul shows`
      }, as for a moment after a promotion, or after a restored backup. ${way(view)}`,
  },
  {
    id: 'record-lost',
    rules: ['R6'],
    in: ['open', 'gated', 'standby', 'stopped', 'empty', 'half-rejoined'],
    lease: 'any',
    condition: 'Consul holds no record',
    when: (view) => !view.record && !isUnderWay(view),
    doing: 'wait',
    wakeAfterMs: 1_000,
    says: (view) =>
      isLeaderless(view)
        ? `Consul holds no record of who has every commit. ${way(view)}`
        : `Consul holds no record of who has every commit (${hindrance(view) ?? 'no running primary has written it yet'}). ${way(view)}`,
  },
];

const runsAsPrimary = ({ process, writable }: KnownSelf) => process === 'running' && writable;

/** All members answer, and none of them runs as a primary: nothing goes on by itself. */
const isLeaderless = (view: View): boolean =>
  !runsAsPrimary(view.self) &&
  others(view).every((name) => {
    const self = knownPeer(view, name)?.self;
    return self?.kind === 'known' && !runsAsPrimary(self);
  });

const way = (view: View) =>
  isLeaderless(view)
    ? 'No member runs as the primary: an operator promotes the one that has most'
    : 'The primary that wrote the newest record writes it again once all members answer';
