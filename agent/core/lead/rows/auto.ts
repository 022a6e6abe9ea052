import {
  backMs,
  givenUpMs,
  isBraked,
  isHeir,
  isHolderDead,
  isOrderFirst,
  mayStepAside,
  orderInWay,
  recentFailovers,
  standBackWhy,
  unwellMs,
  hasHeir,
} from '../auto/auto.js';
import { take, type Row } from '../row.js';
import { recordedStandbys } from '../standbys.js';
import { isOrderedAway, recorded, type View } from '../view.js';
import { letGo } from './hand-back.js';
import { handOverMs } from './promotion.js';

const heirs = (view: View) =>
  recordedStandbys(view)
    .map((name) => name.split('.')[0])
    .join(', ');
const isGivenUp = ({ state, nowMs }: View) =>
  state.fencedMs !== undefined && nowMs - state.fencedMs < givenUpMs;
/** It had the lease a moment ago and could not use it: the other has its turn. */
const hasJustLetGo = ({ state, nowMs }: View) =>
  state.letGoMs !== undefined && nowMs - state.letGoMs < handOverMs;
const isLate = ({ state, nowMs }: View) => state.downMs !== undefined && nowMs - state.downMs >= backMs;

/** A holder that runs and does not serve: it must be sure to acknowledge nothing before another is promoted. */
export const autoFenceRows: readonly Row[] = [
  {
    id: 'fence-failed',
    rules: ['L4', 'F3'],
    in: ['open', 'gated'],
    lease: ['mine'],
    condition: 'the next row fits, and a fence has failed: something of it cannot be ended',
    when: (view) => isGivenAway(view) && view.state.retry?.kind === 'fence' && view.state.retry.failures > 0,
    does: () => ({ kind: 'release', released: { fenced: false }, handOver: false }),
    doing: 'let the lease go, and say that it is not fenced; without its standby it acknowledges nothing',
    says: (view) => `it does not serve and cannot be fenced: the lease is free for ${heirs(view)}`,
  },
  {
    id: 'fence-unwell',
    rules: ['L4', 'F1', 'L7'],
    in: ['open', 'gated'],
    lease: ['mine'],
    condition:
      'the policy says promotion: auto, the record names a standby, and for 2 seconds the probe has found that this member runs and does not serve',
    when: (view) => isGivenAway(view),
    does: () => ({ kind: 'fence' }),
    doing: 'fence it',
    says: (view) => `it runs and does not serve: it is fenced, and ${heirs(view)} takes its place`,
  },
];

const isGivenAway = (view: View) =>
  mayStepAside(view) &&
  view.self.process === 'running' &&
  view.state.unwellMs !== undefined &&
  view.nowMs - view.state.unwellMs >= unwellMs &&
  isStandbyThere(view);

/** Reads are served here until it is fenced: only for a standby that its own agent sees run. */
const isStandbyThere = (view: View) =>
  (view.record?.members ?? []).slice(1).some(({ name, incarnation }) => {
    const peer = view.seen.peers.get(name);
    if (peer?.kind !== 'known' || peer.self.kind !== 'known' || !peer.eligible.ok) return false;
    const { self } = peer;
    return self.incarnation === incarnation && self.process === 'running' && !self.writable;
  });

/** What `promotion: auto` does without an operator, on the side of the holder and on that of the standby in the record. */
export const autoRows: readonly Row[] = [
  {
    id: 'step-aside',
    rules: ['L4', 'F2', 'L7', 'O2'],
    in: ['stopped', 'empty', 'half-rejoined'],
    lease: ['mine'],
    condition:
      'the policy says promotion: auto, the record names a standby, and none of the processes of this member is left',
    when: (view) => mayStepAside(view) && view.self.process === 'stopped',
    does: stepAside,
    doing: 'let the lease go, and say that it is fenced',
    says: (view) => `it does not run: ${heirs(view)} takes its place`,
  },
  {
    id: 'step-aside-late',
    rules: ['L4', 'F2', 'L7'],
    in: ['standby'],
    lease: ['mine'],
    condition:
      'the same, and this member was fenced because it did not serve, or does not come back in place within 3 seconds',
    when: (view) => mayStepAside(view) && (isGivenUp(view) || isLate(view)),
    does: stepAside,
    doing: 'let the lease go, and say that it is fenced',
    says: (view) => `it does not come back in place: ${heirs(view)} takes its place`,
  },
  {
    id: 'braked',
    rules: ['L7'],
    in: ['stopped', 'empty', 'half-rejoined'],
    lease: ['mine', 'free'],
    condition:
      'the policy says promotion: auto, the record names a standby, and there were as many failovers in 10 minutes as the policy allows',
    // An order to promote the other has its own row.
    when: (view) => hasHeir(view) && isBraked(view) && !isOrderedAway(view),
    doing: 'wait for an operator',
    wakeAfterMs: 1_000,
    says: (view) =>
      `failovers in the last 10 minutes: ${recentFailovers(view).length}, as many as maxFailovers allows: start this one, or "hotspare promote ${heirs(view)}", which loses nothing`,
  },
  {
    id: 'aside',
    rules: ['L4', 'F2'],
    in: ['stopped', 'standby', 'empty', 'half-rejoined', 'gated'],
    lease: ['free'],
    condition: 'this member has let the lease go for the standby in the record less than 3 seconds ago',
    when: (view) =>
      hasHeir(view) && view.state.asideMs !== undefined && view.nowMs - view.state.asideMs < handOverMs,
    doing: 'wait',
    wakeAfterMs: 100,
    says: (view) => `${heirs(view)} may take the lease`,
  },
  {
    id: 'braked-heir',
    rules: ['L7'],
    in: ['standby', 'gated'],
    lease: ['free'],
    condition:
      'the policy says promotion: auto, the record names this very copy as the standby, and there were as many failovers in 10 minutes as the policy allows',
    when: (view) => isHeir(view) && !isOrderFirst(view) && isBraked(view),
    doing: 'wait for an operator',
    wakeAfterMs: 1_000,
    says: (view) =>
      `failovers in the last 10 minutes: ${recentFailovers(view).length}, as many as maxFailovers allows: "hotspare promote ${view.me}" loses nothing`,
  },
  {
    id: 'take-over-order',
    rules: ['L3', 'O4'],
    in: ['standby', 'gated'],
    lease: ['free'],
    condition: 'the next row fits, and a switchover stands that cannot go on',
    when: (view) =>
      isHeir(view) && !isOrderFirst(view) && isHolderDead(view) && orderInWay(view) !== undefined,
    does: (view) => ({
      kind: 'drop-order',
      id: view.order?.id ?? '',
      why: `${recorded(view)} was lost on the way`,
    }),
    doing: 'drop the order',
    says: (view) => `${recorded(view)} was lost during the switchover, which is given up`,
  },
  {
    id: 'take-over',
    rules: ['L3', 'L4', 'R4', 'R5'],
    in: ['standby', 'gated'],
    lease: ['free'],
    condition:
      'the policy says promotion: auto, the record names this very copy as the standby, and the holder says that it is fenced, or was silent for 1 second where no connection is accepted and for 3 seconds else',
    when: (view) => isHeir(view) && !isOrderFirst(view) && isHolderDead(view) && !hasJustLetGo(view),
    does: (view) => take(view, view.nextEpoch),
    doing: 'take the lease',
    says: (view) =>
      `${recorded(view)} is lost, and this member has every acknowledged commit: it takes the lease`,
  },
  {
    id: 'stand-back',
    rules: ['L3'],
    in: ['standby', 'gated'],
    lease: ['free'],
    condition: 'the same, and the holder is alive or was not silent for so long',
    when: (view) => isHeir(view) && !isOrderFirst(view),
    doing: 'wait',
    wakeAfterMs: 50,
    says: standBackWhy,
  },
];

function stepAside(view: View) {
  const { order } = view;
  return order?.kind === 'switchover'
    ? ({ kind: 'drop-order', id: order.id, why: `${view.me} was lost on the way` } as const)
    : letGo(view);
}
