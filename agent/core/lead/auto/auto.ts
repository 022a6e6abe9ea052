import type { LeadState } from '../model.js';
import { freshMs, lateMs } from '../quiet.js';
import { isAboveFloor, isRecordedStandby, recordedStandbys } from '../standbys.js';
import { isOrderedAway, isRecorded, knownPeer, recorded, type View } from '../view.js';

/**
 * `promotion: auto`: what is done without an operator. It moves a role only between members that a `sync` record names, so who is wrong
 * about the other's death costs a pause and never a commit.
 */
export const isAuto = ({ policy, record }: View): boolean =>
  policy.promotion === 'auto' && policy.durability === 'sync' && record?.durability === 'sync';

/** It may take the place of the holder: this very copy stands in the record, and has what all in it had flushed. */
export const isHeir = (view: View): boolean =>
  isAuto(view) &&
  isRecordedStandby(view) &&
  isAboveFloor(view) &&
  !isOrderedAway(view) &&
  (view.config.isEligible || view.lease === 'mine');

/** The holder of a record that names another who could take its place. */
export const hasHeir = (view: View): boolean =>
  isAuto(view) && isRecorded(view) && recordedStandbys(view).length > 0 && mayHeirRise(view);

/** One with `priority: 0` is never promoted; whose agent was not asked or does not answer may be. */
const mayHeirRise = (view: View): boolean =>
  (view.record?.members ?? []).slice(1).some(({ name }) => knownPeer(view, name)?.eligible.ok !== false);

// ---- whether the other is dead (L3, L4)

/** What answers no connection for so long, in ms, is gone: the box, or all ways to it. */
export const goneMs = 1_000;
/** What accepts connections and says nothing for so long, in ms, or says that it does not serve, is frozen. */
export const frozenMs = 3_000;
const soonMs = 10;
/** A switchover that was handed over and not taken stands in the way for so long, in ms. */
export const orderMs = 5_000;

/** It says so itself: nothing that it could acknowledge with is left (F1). */
const isFenced = (view: View) => {
  const { value } = view.shared.leader;
  return value?.released?.fenced === true && value.member === recorded(view);
};

/** Its agent sees it serve, or WAL comes in from it. */
export const isAlive = (view: View, name = recorded(view) ?? ''): boolean =>
  doesServe(view, name) || (heardMs(view, name) ?? Infinity) < freshMs;

/** Its agent says so. One that answers no question has no position. */
function doesServe(view: View, name: string): boolean {
  const self = knownPeer(view, name)?.self;
  return (
    self?.kind === 'known' &&
    self.process === 'running' &&
    self.writable &&
    self.gate.kind !== 'closed' &&
    self.position !== undefined
  );
}

/** How long ago, in ms, the last WAL or sign of life came in from it; undefined: nothing streams from there. */
function heardMs(view: View, name: string): number | undefined {
  const { source } = view.self;
  const place = view.config.members.get(name);
  const isFrom =
    source?.streaming === true && source.address === place?.address && source.port === place.port;
  return isFrom ? source.heardMs : undefined;
}

/** When an heir should look again, so that it asks as soon as the stream is late, in ms from now. */
export function untilLateMs(view: View): number | undefined {
  const holder = recorded(view) ?? '';
  const heard = isHeir(view) ? heardMs(view, holder) : undefined;
  if (heard === undefined || view.seen.peers.has(holder)) return undefined;
  return Math.max(soonMs, lateMs - heard);
}

/** Its box accepts no connection. */
const isAway = (view: View, name: string) => {
  const peer = view.seen.peers.get(name);
  return peer?.kind === 'unknown' && peer.isUnreachable === true;
};

/** So long it must be silent, in ms. */
export const patienceMs = (view: View, name = recorded(view) ?? ''): number =>
  isAway(view, name) ? goneMs : frozenMs;

/** It has lately been told to follow that member, which is away: to tell it again is of little use. */
export const isUnreached = (view: View, holder = ''): boolean =>
  isAway(view, holder) && view.state.retry?.kind === 'follow' && view.nowMs - view.state.retry.atMs < againMs;
const againMs = 5_000;

/** Up to the newest question: a look that takes its time is not a silence. */
const silentForMs = ({ state, seen }: View) =>
  state.silentMs === undefined ? 0 : seen.askedMs - state.silentMs;

export function isHolderDead(view: View): boolean {
  if (isFenced(view)) return true;
  const { silentMs, awayMs } = view.state;
  if (silentMs === undefined) return false;
  return silentForMs(view) >= frozenMs || (awayMs !== undefined && view.seen.askedMs - awayMs >= goneMs);
}

/** What stands in the way of a promotion, for people. */
export function standBackWhy(view: View): string {
  const name = recorded(view) ?? 'the primary';
  const peer = view.seen.peers.get(name);
  if (view.state.silentMs === undefined) return `${name} is alive: it takes the lease again`;
  const seen =
    peer?.kind === 'unknown'
      ? peer.why
      : `the agent of ${name} answers, and sees no primary there that serves`;
  return `${seen}; promoted once that has been so for ${patienceMs(view)} ms`;
}

/** An order that the heir drops before it takes the lease. */
export const orderInWay = (view: View) => {
  const { order } = view;
  return order?.kind === 'switchover' && !(order.handedOver && order.to === view.me) ? order : undefined;
};

/** An operator is at it, or the member that a switchover was handed over to has its turn. */
export function isOrderFirst(view: View): boolean {
  const { order } = view;
  if (order === undefined || order.kind === 'rejoin') return false;
  if (order.kind === 'promote') return true;
  return order.handedOver && silentForMs(view) < orderMs;
}

/** The holder gives its place away only where no order has another plan for it. */
export const mayStepAside = (view: View): boolean =>
  hasHeir(view) && view.order?.kind !== 'promote' && !isBraked(view);

// ---- brake (L7)

export const brakeMs = 600_000;
const defaultMaxFailovers = 3;

/** The failovers that count, oldest first; a clock that was set back makes none of them younger. */
export const recentFailovers = ({ record, seen: { wallMs } }: View): readonly number[] =>
  (record?.failovers ?? []).filter((atMs) => Math.abs(wallMs - atMs) < brakeMs);

export const isBraked = (view: View): boolean =>
  recentFailovers(view).length >= (view.policy.maxFailovers ?? defaultMaxFailovers);

/** With this promotion, where no operator ordered it and the record named another. */
export function failoversAfter(view: View): { failovers?: number[] } {
  const failovers = [
    ...recentFailovers(view),
    ...(isHeir(view) && (view.order === undefined || view.order.kind === 'rejoin') ? [view.seen.wallMs] : []),
  ];
  return failovers.length === 0 ? {} : { failovers };
}

// ---- what is remembered

/** What the probe says must be so for so long, in ms, before a holder that runs is given up. */
export const unwellMs = 2_000;
/** A holder that was given up does not come back in place for so long, in ms. */
export const givenUpMs = 3_000;
/** A holder that is not open for so long, in ms, gives its place away, though it is on its way. */
export const backMs = 3_000;

type Times = Pick<
  LeadState,
  'unansweredMs' | 'awayMs' | 'silentMs' | 'asideMs' | 'unwellMs' | 'downMs' | 'unreadMs'
>;

/** An heir that holds the lease and is not heard for a moment keeps it for so long, in ms: a busy box is slow to answer. */
const unreadMs = 3_000;

/** Whether it may be promoted is not known: nothing is done until it is, or for too long. */
export const isUnreadHeir = (view: View): boolean =>
  view.state.unreadMs !== undefined && view.nowMs - view.state.unreadMs < unreadMs;

export function keepAutoTime(state: LeadState, view: View): Times {
  const none: Times = {
    unansweredMs: undefined,
    awayMs: undefined,
    silentMs: undefined,
    asideMs: undefined,
    unwellMs: undefined,
    downMs: undefined,
    unreadMs: undefined,
  };
  if (!isAuto(view)) return none;
  const { nowMs, lease, self, shared, situation, seen } = view;
  const since = (is: boolean, before: number | undefined) => (is ? (before ?? nowMs) : undefined);
  const isMine = lease === 'mine' && isRecorded(view);
  const isAsked = !isRecorded(view) && seen.peers.has(recorded(view) ?? '');
  // From the first question that had no such answer, and not from when that was seen.
  const isUnanswered = isAsked && !doesServe(view, recorded(view) ?? '');
  const unansweredMs = isUnanswered ? (state.unansweredMs ?? seen.askedMs) : undefined;
  const heard = heardMs(view, recorded(view) ?? '');
  return {
    unansweredMs,
    awayMs: isAsked && isAway(view, recorded(view) ?? '') ? (state.awayMs ?? seen.askedMs) : undefined,
    // While WAL came in it was not silent.
    silentMs:
      unansweredMs !== undefined && !isAlive(view)
        ? (state.silentMs ?? Math.max(unansweredMs, heard === undefined ? -Infinity : nowMs - heard))
        : undefined,
    asideMs: since(
      lease === 'free' && isRecorded(view) && shared.leader.value?.member === view.me && isFenced(view),
      state.asideMs,
    ),
    unwellMs: since(
      isMine && seen.isServing === false && (situation === 'open' || situation === 'gated'),
      state.unwellMs,
    ),
    unreadMs: since(
      lease === 'mine' &&
        isRecordedStandby(view) &&
        (self.position === undefined || self.history === undefined),
      state.unreadMs,
    ),
    downMs: since(isMine && situation !== 'open', state.downMs),
  };
}
