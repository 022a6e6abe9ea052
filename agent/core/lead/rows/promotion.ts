import { hasHeir, isHeir, isUnreadHeir } from '../auto/auto.js';
import { behindMs, isFenceSure } from '../ordered.js';
import { after, take, type Row } from '../row.js';
import { isAboveFloor, recordedStandbys } from '../standbys.js';
import {
  isOrdered,
  isOrderedAway,
  isPromoted,
  isRecorded,
  isSameCopy,
  lostOrder,
  recorded,
  type View,
} from '../view.js';
import { writeRecord } from './adopt.js';
import { markRows } from './marks.js';
import { strictRows } from './sync.js';

/** The lease was handed over and is not taken: the old holder takes it back after so long, in ms. */
export const handOverMs = 3_000;

const isEntitled = (view: View) =>
  isOrdered(view) || isHeir(view) || (isRecorded(view) && !isOrderedAway(view) && isAboveFloor(view));

/** It would be promoted as one that has every acknowledged commit, and cannot have it (R5). */
const isBelowFloor = (view: View) =>
  !isAboveFloor(view) &&
  view.record?.members.some(({ name }) => name === view.me) === true &&
  (view.order?.kind === 'promote' && view.order.to === view.me
    ? !view.order.oldPrimaryIsOff
    : isRecorded(view) && !isOrderedAway(view));

/** By the history as well: a member that was promoted by hand meanwhile is as far by bytes, with WAL of its own. */
const hasAllThatWasReleased = ({ self, shared, record, config }: View) =>
  config.hasAllOf(self, { history: record?.history, position: shared.leader.value?.released?.position });

/** A member that comes to hold the lease, from the free key to the open gate. */
export const promotionRows: readonly Row[] = [
  {
    id: 'below-floor',
    rules: ['R5'],
    in: ['standby', 'gated'],
    lease: ['free', 'mine'],
    condition:
      'the record says durability: sync and would let this member be promoted, and its WAL ends before what all in the record had flushed, or is not known yet',
    when: isBelowFloor,
    doing: 'wait until it has replayed what it has, or for an operator',
    says: (view) =>
      `it has ${view.self.position ?? 'an unknown position'}, and all in the record had flushed ${view.record?.floor}: it is not promoted unless an operator says --old-primary-is-off`,
  },
  {
    id: 'ordered-behind',
    rules: ['O1', 'R3', 'R9'],
    in: ['standby'],
    lease: ['free'],
    condition:
      'an operator ordered this member, which a record with durability: sync does not name, and the fenced primary is known to have more',
    when: (view) => view.state.behindMs !== undefined,
    does: (view) =>
      view.nowMs - (view.state.behindMs ?? view.nowMs) < behindMs
        ? undefined
        : {
            kind: 'drop-order',
            id: view.order?.id ?? '',
            why: `${recorded(view)} has commits that ${view.me} has not, and goes on by itself; if it is lost for good, say --old-primary-is-off`,
          },
    doing: 'wait; after 3 seconds drop the order, unless the operator said that the old primary is off',
    wakeAfterMs: 100,
    says: (view) =>
      `${recorded(view)} has commits that ${view.me} has not: the order is given up unless --old-primary-is-off is said`,
  },
  {
    id: 'take-ordered',
    rules: ['R1', 'O1', 'O4', 'L6'],
    in: ['standby'],
    lease: ['free'],
    condition:
      'an operator ordered this member, the old holder is fenced or handed over, and this member has all that it had',
    when: (view) =>
      isOrdered(view) &&
      isFenceSure(view) &&
      (view.order?.kind !== 'switchover' || hasAllThatWasReleased(view)),
    does: (view) => take(view, view.nextEpoch),
    doing: 'take the lease',
    says: () => 'an operator ordered this member: it takes the lease',
  },
  {
    id: 'take-ordered-wait',
    rules: ['O1', 'O4'],
    in: ['standby'],
    lease: ['free'],
    condition: 'an operator ordered this member, and the old holder is not known to be fenced, or had more',
    when: isOrdered,
    doing: 'wait',
    wakeAfterMs: 100,
    says: (view) =>
      view.order?.kind === 'switchover'
        ? 'waits for the last WAL of the old holder'
        : `${view.shared.leader.value?.member ?? 'the old holder'} is not known to be fenced: if it is off, say --old-primary-is-off`,
  },
  {
    id: 'break-session',
    rules: ['L6', 'O1'],
    in: ['standby'],
    lease: ['other'],
    condition: 'an operator ordered this member and said that the old primary is off',
    when: (view) => view.order?.kind === 'promote' && isOrdered(view) && view.order.oldPrimaryIsOff,
    does: ({ shared }) =>
      shared.leader.session === undefined
        ? undefined
        : { kind: 'end-session', session: shared.leader.session },
    doing: "end the old holder's session",
    says: () => 'an operator said that the old primary is off: its session in Consul is ended',
  },
  {
    id: 'take-back-wait',
    rules: ['O4'],
    in: ['standby', 'gated'],
    lease: ['free'],
    condition: 'the lease was handed over to another member a moment ago',
    when: (view) =>
      isRecorded(view) &&
      view.order?.kind === 'switchover' &&
      isOrderedAway(view) &&
      view.nowMs - (view.state.handedOverMs ?? view.nowMs) < handOverMs,
    doing: 'wait',
    wakeAfterMs: 100,
    says: ({ order }) =>
      `the lease was handed over to ${order?.kind === 'switchover' ? order.to : 'another member'}`,
  },
  {
    id: 'take-to-release',
    rules: ['O1', 'F2', 'L6'],
    in: ['standby'],
    lease: ['free'],
    condition:
      'an operator ordered the promotion of another member, the record names this one, and it has not said that it is fenced',
    when: (view) =>
      isRecorded(view) &&
      view.order?.kind === 'promote' &&
      isOrderedAway(view) &&
      !(view.shared.leader.value?.released?.fenced === true && view.shared.leader.value.member === view.me),
    does: (view) => take(view, view.epoch),
    doing: 'take the lease, to let it go as fenced',
    says: ({ order }) =>
      `an operator ordered the promotion of ${order?.kind === 'promote' ? order.to : 'another member'}: this one says that it is fenced`,
  },
  {
    id: 'take-recorded',
    rules: ['R9', 'O1', 'L5', 'L8'],
    in: ['standby', 'gated', 'open'],
    lease: ['free'],
    condition:
      'the record names this member, and no operator ordered the promotion of another; a switchover that was not taken is taken back',
    when: (view) =>
      isRecorded(view) &&
      isSameCopy(view) &&
      (!isOrderedAway(view) || view.order?.kind === 'switchover') &&
      // It was given away: one that cannot be fenced goes on as it is.
      !(view.situation === 'open' && hasHeir(view) && view.seen.isServing === false),
    does: (view) => take(view, view.situation === 'standby' ? view.nextEpoch : view.epoch),
    doing: 'take the lease',
    says: () => 'the record names this member: it takes the lease',
  },
  {
    id: 'withdraw',
    rules: ['O4'],
    in: ['standby', 'gated'],
    lease: ['mine'],
    condition: 'this member has taken back what it had handed over',
    when: (view) => isRecorded(view) && view.order?.kind === 'switchover' && isOrderedAway(view),
    does: ({ order }) => ({ kind: 'drop-order', id: order?.id ?? '', why: 'the lease was not taken' }),
    doing: 'drop the order, before the gate can open',
    says: ({ order }) =>
      `switchover given up: ${order?.kind === 'switchover' ? order.to : 'the target'} did not take the lease`,
  },
  {
    id: 'no-claim',
    rules: ['R1', 'R9'],
    in: ['standby', 'gated'],
    lease: ['mine'],
    condition: 'this member holds the lease, and neither an order nor the record lets it be promoted',
    when: (view) => !isEntitled(view) && !isUnreadHeir(view),
    does: () => ({ kind: 'release', released: { fenced: true }, handOver: false }),
    doing: 'let the lease go',
    says: () => 'neither the record nor an order names this member: it lets the lease go',
  },
  {
    id: 'gate-first',
    rules: ['G1', 'G2'],
    in: ['standby'],
    lease: ['mine'],
    condition: 'the gate is not closed',
    when: ({ self }) => self.gate.kind !== 'closed',
    does: () => ({ kind: 'close-gate' }),
    doing: 'close the gate',
    says: () => 'before it is promoted, its gate is closed',
  },
  {
    id: 'promote',
    rules: ['G2', 'L2', 'D5'],
    in: ['standby'],
    lease: ['mine'],
    condition: 'record or order let it be promoted',
    when: isEntitled,
    does: (view) => after(view, { epoch: view.nextEpoch, holder: true }, { kind: 'promote' }),
    doing: 'promote it behind its gate',
    says: (view) => `it is promoted, epoch ${view.nextEpoch}`,
  },
  ...markRows,
  {
    id: 'record-promotion',
    rules: ['R1', 'R4', 'D4', 'L2'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the record does not know this promotion',
    when: (view) => isEntitled(view) && (isPromoted(view) || lostOrder(view) !== undefined),
    does: (view) => writeRecord(view, view.nextEpoch, view.order !== undefined),
    doing: 'write epoch and record; this is what verifies the lease',
    says: (view) => `it is promoted behind its gate: epoch ${view.nextEpoch} and the record are written`,
  },
  {
    id: 'confirm',
    rules: ['R1'],
    in: ['gated'],
    lease: ['mine'],
    condition:
      'the record names this member, and no write of this agent in this epoch has been seen to succeed',
    when: (view) => isRecorded(view) && view.state.settledEpoch !== view.epoch,
    does: (view) => after(view, { epoch: view.epoch, holder: true }, { kind: 'confirm' }),
    doing: 'write the leader key again: a write that succeeds settles those without an answer',
    says: () => 'the lease is confirmed before the gate opens',
  },
  {
    id: 'renew-record',
    rules: ['R6', 'O4'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'a lease that was handed over was taken back, and the record has the number of before',
    when: (view) => isRecorded(view) && (view.record?.revision ?? 0) <= (view.seen.ledger.takenBack ?? -1),
    does: ({ record }) =>
      record && { kind: 'change-record', record: { ...record, revision: (record.revision ?? 0) + 1 } },
    doing: 'number it anew: a backup of Consul may bring the hand-over back',
    says: () => 'the lease was taken back: the record is numbered anew',
  },
  {
    id: 'reset-drain',
    rules: ['O4'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'sessions are read-only, and the gate is about to open',
    when: (view) => isRecorded(view) && view.self.draining,
    does: () => ({ kind: 'end-drain' }),
    doing: 'end the drain',
    says: () => 'sessions may write again',
  },
  ...strictRows,
  {
    id: 'open-gate',
    rules: ['G1', 'G2'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the record names this member, and a write of this agent in this epoch has succeeded',
    when: (view) => isRecorded(view) && view.state.settledEpoch === view.epoch,
    does: (view) =>
      after(
        view,
        { epoch: view.epoch, holder: true },
        { kind: 'open-gate', standbys: recordedStandbys(view) },
      ),
    doing: 'open the gate',
    says: (view) => `epoch ${view.epoch} is recorded: the gate opens`,
  },
];
