import type { LeadAction, LeadObservation, LeadState, Outcome } from './model.js';
import { isRecorded, leaving, settledHolder, type View } from './view.js';

const retryBaseMs = 100;
const retryMaxMs = 5_000;
/** After a write that lost to another agent's, so long until the next look, in ms; that is not a failure. */
const conflictMs = 20;

const consulWrites: readonly LeadAction['kind'][] = [
  'acquire',
  'write-record',
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
  const recordEpoch = shared.kind === 'read' ? (shared.record.value?.epoch ?? 0) : 0;
  if (outcome.kind === 'done') return { ...learnDone(kept, outcome, recordEpoch), retry: undefined };
  return {
    ...learnTrouble(kept, outcome, recordEpoch),
    retry: nextTry(kept, outcome, nowMs),
  };
}

function learnDone(
  state: LeadState,
  { action, position }: Extract<Outcome, { kind: 'done' }>,
  recordEpoch: number,
) {
  switch (action.kind) {
    case 'write-record':
      return { ...state, settledEpoch: action.record.epoch };
    case 'confirm':
      return { ...state, settledEpoch: recordEpoch };
    case 'hold-gate':
      return { ...state, barrier: position };
    case 'follow':
    case 'rejoin':
      return { ...state, cannotFollow: undefined };
    case 'promote':
    case 'release':
      return { ...state, settledEpoch: undefined };
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
  // R1: it may still be applied, so only a later write that succeeds settles what stands there.
  if (consulWrites.includes(action.kind) && outcome.kind !== 'refused')
    return { ...state, settledEpoch: undefined };
  if (action.kind === 'follow' && reason !== undefined && misfits.includes(reason))
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

/** Since when what is waited for has been so. */
export function keepTime(state: LeadState, view: View): LeadState {
  const { order, me, nowMs, self } = view;
  const isHandedOver = order?.kind === 'switchover' && order.handedOver && order.from === me;
  const isDemoted = self.writable && !isRecorded(view) && settledHolder(view) !== undefined;
  return {
    ...state,
    leavingMs: leaving(view) ? (state.leavingMs ?? nowMs) : undefined,
    handedOverMs: isHandedOver ? (state.handedOverMs ?? nowMs) : undefined,
    demotedMs: isDemoted ? (state.demotedMs ?? nowMs) : undefined,
  };
}
