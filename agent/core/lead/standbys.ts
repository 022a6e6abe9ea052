import type { Record } from '../../../common/failover/shapes.js';
import type { KnownSelf, LeadState, Outcome } from './model.js';
import { isAtLeast, isRecorded, knownPeer, others, type View } from './view.js';

/**
 * The standby beside the holder in a `sync` record: who may be added, and who is lost. Names are those under which standbys stream: member
 * and incarnation (R5), so that another copy of the same member satisfies nothing.
 */

type Entry = Record['members'][number];

export const standbyName = ({ name, incarnation }: Entry): string => `${name}.${incarnation}`;

function entryOf(standby: string): Entry {
  const dot = standby.lastIndexOf('.');
  return { name: standby.slice(0, dot), incarnation: standby.slice(dot + 1) };
}

/** Whom the record names beside its holder. */
export const recordedStandbys = ({ record }: Pick<View, 'record'>): readonly string[] =>
  (record?.members ?? []).slice(1).map(standbyName);

/** Whose flush commits wait for. */
export const awaited = ({ gate }: KnownSelf): readonly string[] =>
  gate.kind === 'open' ? (gate.standbys ?? []) : [];

/** Undefined also where two stream under one name: one of them is an impostor. */
function flushedBy({ self }: View, standby: string): string | undefined {
  const feeds = self.feeds.filter(({ name }) => name === standby);
  return feeds.length === 1 ? feeds[0]?.position : undefined;
}

/** What the holder and the standbys of the record have all flushed. */
export function commonPosition(view: View): string | undefined {
  let lowest = view.self.position;
  for (const standby of recordedStandbys(view)) {
    const flushed = flushedBy(view, standby);
    if (!isAtLeast(view, flushed, lowest)) lowest = flushed;
  }
  return lowest;
}

/** A standby that has not flushed for so long what stood here at the look before is lost, in ms. */
export const lostMs = 1_200;

/** So long it must have been seen to be behind, in ms: a machine that stood still finds its standby as it left it. */
const seenMs = 500;

export const isLost = ({ state: { keepingUp }, nowMs }: View): boolean =>
  keepingUp?.behindMs !== undefined &&
  nowMs - keepingUp.behindMs >= seenMs &&
  nowMs - keepingUp.atMs >= lostMs;
export const isBehind = ({ state }: Pick<View, 'state'>): boolean => state.keepingUp?.behindMs !== undefined;
/** What stands here is on its way: soon it is seen whether the standby has it. */
export const isOnItsWay = ({ state }: View): boolean => state.keepingUp?.isOnItsWay === true;

/** So long a standby must keep up before it is added, in ms. */
export const steadyMs = 1_000;
/** The lag, as a part of `maxLag`, at which a standby may be added: commits wait until it has caught up. */
const addableShare = 1 / 16;

/** Why that member's standby cannot be added now; else the name that it streams under. */
function fitness(view: View, member: string): { readonly standby: string } | { readonly why: string } {
  const peer = knownPeer(view, member);
  if (peer?.self.kind !== 'known') return { why: `the agent of ${member} does not answer` };
  const { incarnation, data, writable, process, origin, checkpointed, replayPaused } = peer.self;
  if (data !== 'present' || process !== 'running' || writable) return { why: `${member} is not a standby` };
  if (origin !== view.self.origin) return { why: `${member} has another database` };
  // Until then it shows the history of before, and could not be promoted from the record (R5).
  if (!checkpointed) return { why: `${member} has not made its first checkpoint on the new timeline` };
  // It flushes all the same, and commits with remote_apply would wait for good.
  if (replayPaused) return { why: `replay is paused on ${member}: "SELECT pg_wal_replay_resume()" there` };
  const standby = standbyName({ name: member, incarnation });
  const flushed = flushedBy(view, standby);
  if (flushed === undefined)
    return view.self.feeds.some(({ name }) => name === standby)
      ? { why: `two standbys stream under the name ${standby}` }
      : { why: `${member} does not stream` };
  const lag =
    view.self.position === undefined ? undefined : view.config.distance(flushed, view.self.position);
  if (lag === undefined || lag > view.config.maxLag * addableShare)
    return { why: `${member} lags ${lag ?? 'unknown many'} bytes behind` };
  return { standby };
}

/** The standby that can be added, whom commits wait for already before others. */
function findCandidate(view: View): string | undefined {
  const fit = others(view).flatMap((member) => {
    const found = fitness(view, member);
    return 'standby' in found ? [found.standby] : [];
  });
  return fit.find((each) => awaited(view.self).includes(each)) ?? fit[0];
}

/** That may be added now; `now`: whether it has kept up for long enough, and the last failure is long enough ago. */
export function candidate(view: View): { readonly standby: string; readonly now: boolean } | undefined {
  const { candidate: found, adding } = view.state;
  if (!found) return undefined;
  const readyMs = Math.max(found.sinceMs + steadyMs, adding?.atMs ?? 0);
  return { standby: found.name, now: view.nowMs >= readyMs };
}

/** Why the holder is alone. */
export function aloneWhy(view: View): string {
  if (view.state.candidate) return `${view.state.candidate.name} is added in a moment`;
  const reasons = others(view).map((member) => {
    const found = fitness(view, member);
    return 'why' in found ? found.why : `${member} has just begun to stream`;
  });
  return reasons.join('; ') || 'the service has no other member';
}

/** The record of the same epoch with those standbys; everything in it has flushed its floor. */
export function recordWith(view: View, standbys: readonly string[]): Record | undefined {
  const { record, policy } = view;
  const [holder] = record?.members ?? [];
  if (!record || !holder) return undefined;
  const next = {
    ...record,
    revision: (record.revision ?? 0) + 1,
    durability: policy.durability,
    members: [holder, ...standbys.map(entryOf)],
  };
  return withMarks(view, { ...next, ...floorOf(view, next) });
}

/**
 * With the marks that could not be read yet when the promotion was recorded. Without them, a member whose own WAL shows one is not known
 * to have what the record has: it could not take over (D4, R5).
 */
export function withMarks({ self }: View, record: Record): Record {
  const marked = record.history.forks.map((fork) => {
    const own = self.history?.forks.find(
      ({ timeline, lsn }) => timeline === fork.timeline && lsn === fork.lsn,
    );
    return fork.mark === undefined && own?.mark !== undefined ? { ...fork, mark: own.mark } : fork;
  });
  return { ...record, history: { ...record.history, forks: marked } };
}

/**
 * It has flushed all that stood here before the look asked for the senders, and so everything that was acknowledged by then: one that
 * lost WAL since commits began to wait for it, as a restored box does, has not (R2).
 */
export const hasAllHere = (view: View, standby: string): boolean =>
  isAtLeast(view, flushedBy(view, standby), view.self.position);

/** With a floor that is no higher than what any of them has flushed. */
export function floorOf(view: View, record: Record): { floor?: string } {
  const floor = commonPosition({ ...view, record });
  return floor === undefined ? {} : { floor };
}

/** The record says that this very copy has every acknowledged commit, and it has what all of the record had lately (R5). */
export const isInRecord = (view: View): boolean =>
  view.record?.durability === 'sync' &&
  view.record.members.some(
    ({ name, incarnation }) => name === view.me && incarnation === view.self.incarnation,
  ) &&
  (view.self.origin === undefined || view.self.origin === view.record.history.systemId) &&
  isAboveFloor(view);

/** By the history as well: what was written after a promotion elsewhere does not count. `async`: the floor decides nothing. */
export const isAboveFloor = ({ record, self, config }: View): boolean =>
  record?.durability !== 'sync' ||
  record.floor === undefined ||
  config.hasAllOf(self, { history: record.history, position: record.floor });

/** This very copy is in the record beside the holder: no other member is known to have what the holder lost. */
export const isRecordedStandby = (view: View): boolean =>
  view.record?.durability === 'sync' &&
  recordedStandbys(view).includes(standbyName({ name: view.me, incarnation: view.self.incarnation }));

/** The standby of the record has not what it had: it is an older copy of itself. */
export function isShort(view: View): boolean {
  const { floor } = view.record ?? {};
  return (
    floor !== undefined &&
    recordedStandbys(view).some((each) => {
      const flushed = flushedBy(view, each);
      return flushed !== undefined && !isAtLeast(view, flushed, floor);
    })
  );
}

/** Whether the record, the policy or the gate has to do with a standby. */
export const isAboutStandbys = ({ policy, record, self }: View): boolean =>
  policy.durability === 'sync' || record?.durability === 'sync' || awaited(self).length > 0;

// ---- what is remembered of them

export function keepStandbyTime(state: LeadState, view: View): Pick<LeadState, 'keepingUp' | 'candidate'> {
  const isHolder =
    (view.situation === 'open' || view.situation === 'gated') && view.lease === 'mine' && isRecorded(view);
  if (!isHolder || !isAboutStandbys(view)) return { keepingUp: undefined, candidate: undefined };
  const found = findCandidate(view);
  return {
    keepingUp: keepingUpNow(state, view),
    candidate:
      found === undefined
        ? undefined
        : state.candidate?.name === found
          ? state.candidate
          : { name: found, sinceMs: view.nowMs },
  };
}

function keepingUpNow({ keepingUp }: LeadState, view: View): LeadState['keepingUp'] {
  const [standby] = recordedStandbys(view).length > 0 ? recordedStandbys(view) : awaited(view.self);
  const { position } = view.self;
  if (standby === undefined || view.self.gate.kind !== 'open') return undefined;
  if (position === undefined) return keepingUp;
  const flushed = flushedBy(view, standby);
  if (keepingUp && !isAtLeast(view, flushed, keepingUp.position))
    return { ...keepingUp, isOnItsWay: false, behindMs: keepingUp.behindMs ?? view.nowMs };
  return { position, atMs: view.nowMs, isOnItsWay: !isAtLeast(view, flushed, position), behindMs: undefined };
}

const addBaseMs = 1_000;
const addMaxMs = 10_000;

/** The more often in a row, the longer until the next is added: each time commits wait. */
export function addingAfter(state: LeadState, { action, kind }: Outcome, nowMs: number): LeadState['adding'] {
  const isTrouble =
    action.kind === 'add-standby'
      ? kind !== 'done'
      : action.kind === 'change-record' && kind === 'done' && isBehind({ state });
  const { adding } = state;
  if (!isTrouble) return adding;
  const isLongAgo = adding === undefined || nowMs - adding.atMs > addMaxMs;
  const failures = isLongAgo ? 1 : adding.failures + 1;
  return { failures, atMs: nowMs + Math.min(addMaxMs, addBaseMs * 2 ** (failures - 1)) };
}
