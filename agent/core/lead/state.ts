import type { LeadAction, LeadObservation, LeadState, Outcome } from './model.js';
import { keepAutoTime } from './auto/auto.js';
import { keepRehearsal } from './auto/rehearsal.js';
import { addingAfter, keepStandbyTime } from './standbys.js';
import { isRecorded, leaving, settledHolder, type View } from './view.js';

const retryBaseMs = 100;
const retryMaxMs = 5_000;
/** After a write that lost to another agent's, so long until the next look, in ms; that is not a failure. */
const conflictMs = 20;

const consulWrites: readonly LeadAction['kind'][] = [
  'acquire',
  'write-record',
  'refresh-record',
  'change-record',
  'let-service-go',
  'confirm',
  'release',
  'drop-order',
  'end-session',
];
/** Reasons of the keeper's for which trying again is of no use. */
const misfits = ['diverged', 'other-history', 'other-system'];

/** What the outcome of the last action leaves behind. */
export function learn(state: LeadState, { outcome, nowMs, shared, self }: LeadObservation): LeadState {
  const kept: LeadState =
    self.kind === 'known' && self.gate.kind === 'open' ? { ...state, barrier: undefined } : state;
  if (!outcome) return kept;
  if (outcome.action.kind === 'checkpoint') return learnCheckpoint(kept, outcome, nowMs);
  const recordEpoch = shared.kind === 'read' ? (shared.record.value?.epoch ?? 0) : 0;
  // A floor that could not be written is of no hurry: the next one is as good.
  const looked = outcome.action.kind === 'refresh-record' ? { ...kept, floorMs: nowMs } : kept;
  const adding = addingAfter(looked, outcome, nowMs);
  if (outcome.kind === 'done')
    return { ...learnDone(looked, outcome, recordEpoch, nowMs), adding, retry: undefined };
  return {
    ...learnTrouble(looked, outcome, recordEpoch),
    adding,
    retry: nextTry(kept, outcome, nowMs),
  };
}

function learnCheckpoint(state: LeadState, outcome: Outcome, nowMs: number): LeadState {
  return {
    ...state,
    checkpointedMs: nowMs,
    retry: outcome.kind === 'done' ? undefined : nextTry(state, outcome, nowMs),
  };
}

function learnDone(
  state: LeadState,
  { action, position }: Extract<Outcome, { kind: 'done' }>,
  recordEpoch: number,
  nowMs: number,
) {
  switch (action.kind) {
    case 'write-record':
      return { ...state, settledEpoch: action.record.epoch };
    case 'confirm':
      return { ...state, settledEpoch: recordEpoch };
    case 'let-service-go':
      return { ...state, settledEpoch: undefined };
    case 'hold-gate':
      return { ...state, barrier: position };
    case 'follow':
    case 'rejoin':
      return { ...state, cannotFollow: undefined };
    case 'promote':
      return { ...state, settledEpoch: undefined, failedPromotions: 0 };
    case 'release':
      return { ...state, settledEpoch: undefined, letGoMs: nowMs };
    case 'fence':
      return { ...state, fencedMs: nowMs };
    default:
      return state;
  }
}

function learnTrouble(
  state: LeadState,
  outcome: Exclude<Outcome, { kind: 'done' }>,
  epoch: number,
): LeadState {
  const { action, why, reason } = outcome;
  if (action.kind === 'promote') return { ...state, failedPromotions: state.failedPromotions + 1 };
  // R1: it may still be applied, so only a later write that succeeds settles what stands there.
  if (consulWrites.includes(action.kind) && outcome.kind !== 'refused')
    return { ...state, settledEpoch: undefined };
  // A member that is writable is never told to follow: it is rewound at once, and that may be refused for the same reasons.
  const isForFollowing = action.kind === 'follow' || (action.kind === 'rejoin' && action.method === 'rewind');
  if (isForFollowing && reason !== undefined && misfits.includes(reason))
    return { ...state, cannotFollow: { epoch, reason, why } };
  if (action.kind === 'rejoin' && action.method === 'rewind' && outcome.kind === 'failed')
    return { ...state, cannotFollow: { epoch, reason: 'rewind-failed', why } };
  return state;
}

function nextTry(
  state: LeadState,
  outcome: Exclude<Outcome, { kind: 'done' }>,
  nowMs: number,
): LeadState['retry'] {
  const { kind } = outcome.action;
  const failures = (state.retry?.kind === kind ? state.retry.failures : 0) + 1;
  const pauseMs =
    outcome.reason === 'conflict'
      ? conflictMs
      : Math.min(retryMaxMs, retryBaseMs * 2 ** Math.min(10, failures - 1));
  return { kind, failures, atMs: nowMs + pauseMs };
}

function keepShutTime(state: LeadState, { seen }: View): LeadState['shutMs'] {
  const shut = [...seen.peers].flatMap(([name, peer]) => {
    const self = peer.kind === 'known' && peer.self.kind === 'known' ? peer.self : undefined;
    const isShut = self?.writable === true && self.gate.kind === 'closed' && self.gate.proven;
    return isShut ? [[name, state.shutMs[name] ?? seen.nowMs] as const] : [];
  });
  return Object.fromEntries(shut);
}

/** Since when what is waited for has been so. */
export function keepTime(state: LeadState, view: View): LeadState {
  const { order, me, nowMs, self } = view;
  const isHandedOver = order?.kind === 'switchover' && order.handedOver && order.from === me;
  const isSuperseded =
    view.record !== undefined && !isRecorded(view) && view.record.epoch >= view.seen.ledger.held;
  const isHolder = view.situation === 'open' && view.lease === 'mine' && isRecorded(view);
  const isDemoted = self.writable && !isRecorded(view) && settledHolder(view) !== undefined;
  return {
    ...state,
    writtenTo: (self.process === 'running' && self.writable ? self.position : undefined) ?? state.writtenTo,
    leavingMs: leaving(view) ? (state.leavingMs ?? nowMs) : undefined,
    handedOverMs: isHandedOver ? (state.handedOverMs ?? nowMs) : undefined,
    demotedMs: isDemoted ? (state.demotedMs ?? nowMs) : undefined,
    isSuperseded,
    floorMs: isHolder ? (state.floorMs ?? nowMs) : undefined,
    shutMs: keepShutTime(state, view),
    ...keepStandbyTime(state, view),
    ...keepAutoTime(state, view),
    rehearsal: keepRehearsal(state, view),
  };
}
