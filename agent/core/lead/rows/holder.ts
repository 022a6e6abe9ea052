import { after, type Row } from '../row.js';
import { floorOf, isAboutStandbys, isOnItsWay, recordedStandbys, withMarks } from '../standbys.js';
import {
  fedPosition,
  isAnswering,
  isAtLeast,
  isRecorded,
  isShut,
  knownPeer,
  leaving,
  others,
  unfit,
  type View,
} from '../view.js';
import { addRows, reduceRows, syncStandRows } from './sync.js';

const sameNames = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((name) => b.includes(name));

/** Why the lease is not handed over to that member; undefined: it may be. */
export function whyNot(view: View, target: string): string | undefined {
  const peer = knownPeer(view, target);
  if (!view.config.members.has(target)) return `${target} is not a member`;
  if (!peer) return `the agent of ${target} does not answer`;
  if (!peer.eligible.ok) return peer.eligible.why;
  if (peer.self.kind === 'unknown') return `${target}: ${peer.self.why}`;
  if (peer.self.replayPaused) return `replay is paused on ${target}`;
  const fed = fedPosition(view, target);
  if (fed === undefined) return `${target} does not stream from ${view.me}`;
  const lag = view.self.position === undefined ? undefined : view.config.distance(fed, view.self.position);
  if (lag === undefined) return `how far ${target} lags behind is not known`;
  return lag > view.config.maxLag
    ? `${target} lags ${lag} bytes behind, more than ${view.config.maxLag}`
    : undefined;
}

const target = (view: View) => leaving(view)?.to ?? '';
const isCaughtUp = (view: View, wanted = view.state.barrier) =>
  isAtLeast(view, fedPosition(view, target(view)), wanted);

/** A switchover that has not handed over by then is given up, in ms. */
export const leaveMs = 4_000;
const isLeavingLate = ({ state, nowMs }: View) => nowMs - (state.leavingMs ?? nowMs) > leaveMs;

/** The record's floor is written so often, in ms (R5). */
export const floorEveryMs = 5_000;

/** The holder: what an operator ordered, and what it keeps in order by itself. */
export const holderRows: readonly Row[] = [
  {
    id: 'order-refused',
    rules: ['O4'],
    in: ['open', 'gated'],
    lease: ['mine'],
    condition:
      'an order that makes no sense to the holder, or a switchover that has not begun to a member that is not fit for it',
    when: (view) => refusal(view) !== undefined,
    does: (view) => ({ kind: 'drop-order', id: view.order?.id ?? '', why: refusal(view) ?? '' }),
    doing: 'refuse the order',
    says: (view) => `the order is refused: ${refusal(view)}`,
  },
  {
    id: 'too-slow',
    rules: ['O4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the target is lost, or does not catch up in time',
    when: (view) =>
      leaving(view) !== undefined && (fedPosition(view, target(view)) === undefined || isLeavingLate(view)),
    does: (view) => ({
      kind: 'drop-order',
      id: view.order?.id ?? '',
      why: `${target(view)} did not catch up`,
    }),
    doing: 'give the switchover up',
    says: (view) => `switchover given up: ${target(view)} did not catch up`,
  },
  {
    id: 'drain',
    rules: ['O4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'a switchover was ordered',
    when: (view) => leaving(view) !== undefined && !view.self.draining,
    does: () => ({ kind: 'drain' }),
    doing: 'make sessions read-only; end what writes after a moment',
    says: (view) => `switchover to ${target(view)}: sessions become read-only`,
  },
  {
    id: 'hold',
    rules: ['O4', 'G3', 'R2'],
    in: ['open'],
    lease: ['mine'],
    condition: 'sessions are read-only, and the gate is open',
    when: (view) => leaving(view) !== undefined && view.self.gate.kind === 'open',
    does: () => ({ kind: 'hold-gate' }),
    doing: 'hold the gate; the keeper opens it again after 2 seconds',
    says: (view) => `switchover to ${target(view)}: the gate is held`,
  },
  {
    id: 'make-final',
    rules: ['O4', 'G3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the target has flushed what stood before the gate',
    when: (view) => leaving(view) !== undefined && view.self.gate.kind === 'hold' && isCaughtUp(view),
    does: () => ({ kind: 'finalise-gate' }),
    doing: 'close the gate for good',
    says: (view) => `switchover: ${target(view)} has everything, the gate is closed`,
  },
  {
    id: 'catch-up',
    rules: ['O4', 'G3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the target has not flushed what stood before the gate',
    when: (view) =>
      leaving(view) !== undefined && view.self.gate.kind === 'hold' && view.state.barrier !== undefined,
    doing: 'wait',
    wakeAfterMs: 10,
    says: (view) => `switchover: waits for ${target(view)} to catch up`,
  },
  {
    id: 'retract',
    rules: ['O4'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the gate is closed for a switchover, and the catalogue still shows the role',
    when: (view) => leaving(view) !== undefined && isRecorded(view) && view.seen.published === 'primary',
    does: (view) =>
      isLeavingLate(view)
        ? {
            kind: 'drop-order',
            id: view.order?.id ?? '',
            why: "the role was not taken out of Consul's catalogue in time",
          }
        : undefined,
    doing: 'wait until the role has been retracted; give the switchover up 4 seconds after it began',
    wakeAfterMs: 10,
    says: () => 'switchover: the role is taken out of the catalogue',
  },
  {
    id: 'prove-gate',
    rules: ['G1', 'O4'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the gate is closed for a switchover, and was not seen to be',
    when: (view) => leaving(view) !== undefined && isRecorded(view) && !isShut(view),
    does: () => ({ kind: 'close-gate' }),
    doing: 'close the gate, and see that it is',
    says: () => 'switchover: the gate is proven to be closed',
  },
  {
    id: 'hand-over',
    rules: ['O4', 'R1', 'F2'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the gate is closed for a switchover, and the target has everything',
    when: (view) =>
      leaving(view) !== undefined &&
      isRecorded(view) &&
      isCaughtUp(view, view.state.barrier ?? view.self.position),
    does: (view) => {
      const released = { fenced: false, ...position(view.state.barrier ?? view.self.position) };
      return after(view, { handedOver: view.epoch }, { kind: 'release', released, handOver: true });
    },
    doing: 'hand the lease over',
    says: (view) => `switchover: the lease goes to ${target(view)}`,
  },
  {
    id: 'give-up',
    rules: ['O4'],
    in: ['gated'],
    lease: ['mine'],
    condition: 'the gate is closed for a switchover, and the target does not have everything',
    when: (view) => leaving(view) !== undefined && isRecorded(view),
    does: (view) => ({
      kind: 'drop-order',
      id: view.order?.id ?? '',
      why: `${target(view)} was lost on the way`,
    }),
    doing: 'give the switchover up',
    says: (view) => `switchover given up: ${target(view)} was lost on the way`,
  },
  {
    id: 'reopen',
    rules: ['G3', 'O4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the gate is held for nothing',
    when: (view) => view.self.gate.kind === 'hold',
    // Commits may have waited for a standby that the record does not name yet: only the keeper knows what stood before.
    does: (view) => (isAboutStandbys(view) ? undefined : { kind: 'open-gate', standbys: [] }),
    doing: 'open the gate; with `sync`, wait until the keeper sets back what stood before, within 2 seconds',
    wakeAfterMs: 100,
    says: () => 'the gate was held for a switchover that does not go on: it opens',
  },
  {
    id: 'undrain',
    rules: ['O4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'sessions are read-only, and no switchover was ordered',
    when: (view) => view.self.draining && leaving(view) === undefined,
    does: () => ({ kind: 'end-drain' }),
    doing: 'end the drain',
    says: () => 'sessions may write again',
  },
  ...reduceRows,
  {
    id: 'slots',
    rules: ['O3'],
    in: ['open'],
    lease: ['mine'],
    condition: 'this member answers, and a member has no slot here, or one stands for somebody else',
    when: (view) => isAnswering(view) && !sameNames(view.self.slots, others(view)),
    does: (view) => ({ kind: 'keep-slots', members: others(view) }),
    doing: 'make the slots of the other members',
    says: () => 'slots are made for the other members',
  },
  {
    id: 'checkpoint',
    rules: ['D4'],
    in: ['open'],
    lease: ['mine'],
    condition: 'there was no checkpoint since the promotion',
    when: ({ self }) => !self.checkpointed,
    does: () => ({ kind: 'checkpoint' }),
    doing: 'make one: only then can another member be rewound to this one',
    says: () => 'makes its first checkpoint since the promotion',
  },
  {
    id: 'let-service-go',
    rules: ['R6'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the policy says roles: observe, and the record names this member, which answers',
    when: (view) => view.policy.roles === 'observe' && isRecorded(view) && isAnswering(view),
    does: () => ({ kind: 'let-service-go' }),
    doing: 'remove record, lease and order; then every member is let go',
    says: () => 'roles are observed only: the record is removed, and the lease let go',
  },
  ...addRows,
  {
    id: 'floor',
    rules: ['R5'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the record names this member, and its floor was not written for 5 seconds',
    when: (view) =>
      isRecorded(view) &&
      view.nowMs - (view.state.floorMs ?? view.nowMs) >= floorEveryMs &&
      view.self.position !== undefined &&
      view.record !== undefined &&
      (floorOf(view, view.record).floor ?? view.record.floor) !== view.record.floor,
    does: (view) =>
      view.record && {
        kind: 'refresh-record',
        record: withMarks(view, { ...view.record, ...floorOf(view, view.record) }),
      },
    doing: 'write the floor of the record',
    says: (view) =>
      `the record says that all in it have flushed ${view.record && floorOf(view, view.record).floor}`,
  },
  ...syncStandRows,
  {
    id: 'holder',
    rules: ['L1'],
    in: ['open'],
    lease: ['mine'],
    condition: 'the record names this member',
    when: isRecorded,
    doing: 'nothing',
    wakeAfterMs: (view) => (isOnItsWay(view) ? 300 : undefined),
    says: (view) =>
      !isAnswering(view)
        ? `holds the lease, epoch ${view.epoch}, and its Postgres does not answer`
        : recordedStandbys(view).length === 0
          ? `holds the lease, epoch ${view.epoch}`
          : `holds the lease, epoch ${view.epoch}; commits are on ${recordedStandbys(view).join(', ')} as well`,
  },
];

const position = (at: string | undefined) => (at === undefined ? {} : { position: at });

function refusal(view: View): string | undefined {
  const { order, me, situation, self } = view;
  if (order?.kind === 'promote' && order.to === me && situation === 'open')
    return `${me} is the primary already`;
  if (order?.kind === 'rejoin' && order.member === me)
    return `${me} is the primary: the only copy is never rebuilt`;
  if (order?.kind === 'promote' && order.to !== me) return unfit(view, order.to);
  if (order?.kind !== 'switchover' || order.handedOver) return undefined;
  if (view.policy.roles === 'observe') return 'roles are observed from now on';
  if (order.from !== me) return `${me} is the primary, not ${order.from}`;
  if (order.to === me) return `${me} is the primary already`;
  if (self.draining || self.gate.kind !== 'open' || situation !== 'open') return undefined;
  return whyNot(view, order.to);
}
