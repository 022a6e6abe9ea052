import type { LeadAction, LeadObservation, Outcome } from './model.js';

/** Changes nothing of any member's server: what was seen of them just before is as good after it. */
const elsewhere: readonly LeadAction['kind'][] = [
  'remember',
  'acquire',
  'write-record',
  'confirm',
  'release',
  'drop-order',
];

/** So old, in ms, may be what is used again: no older than what a decision under way is made from. */
export const reuseMs = 100;

/** What is seen of servers, and when it was asked. */
export interface Servers extends Pick<LeadObservation, 'self' | 'peers'> {
  readonly askedMs: number;
}

/**
 * Whether the next decision can do with what was seen of the servers before the last action. Consul and this box's disk are always looked
 * at anew; a keeper checks for itself what its order needs.
 */
export const mayReuse = (seen: Servers | undefined, outcome: Outcome | undefined, nowMs: number): boolean =>
  seen !== undefined &&
  outcome?.kind === 'done' &&
  elsewhere.includes(outcome.action.kind) &&
  nowMs - seen.askedMs <= reuseMs;
