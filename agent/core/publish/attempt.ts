import type { Action } from '../action.js';

/**
 * Why something cannot be had of this box's Consul agent. `refused`: nothing listens there. `unreachable`: the network has no route to
 * it. `late`: no answer within the deadline. `cut-off`: the connection ended before the answer. `garbage`: what answers is
 * not Consul. `forbidden`: the token may not. `failed`: it answered and said no, such as for a check it does not know.
 */
export type ConsulTrouble =
  'refused' | 'unreachable' | 'late' | 'cut-off' | 'garbage' | 'forbidden' | 'failed';

/** How an action ended. */
export type Outcome =
  | { readonly kind: 'done' }
  /** It was not done. `why`: a sentence. */
  | {
      readonly kind: 'failed';
      readonly trouble: Exclude<ConsulTrouble, 'late' | 'cut-off'>;
      readonly why: string;
    }
  /** No answer in time: it may have been done, or be done later. */
  | { readonly kind: 'timed-out'; readonly why: string }
  /** Given up or cut off midway: likewise. */
  | { readonly kind: 'unconfirmed'; readonly why: string };

export interface Attempt {
  readonly action: Action;
  /** When it began, monotonic ms. */
  readonly askedMs: number;
  readonly outcome: Outcome;
}

export function outcomeOf(trouble: ConsulTrouble, why: string): Outcome {
  switch (trouble) {
    case 'late':
      return { kind: 'timed-out', why };
    case 'cut-off':
      return { kind: 'unconfirmed', why };
    default:
      return { kind: 'failed', trouble, why };
  }
}

/** Whether Consul itself answered, if only to say no. */
export function isAnswer(trouble: ConsulTrouble): trouble is 'forbidden' | 'failed' {
  return trouble === 'forbidden' || trouble === 'failed';
}
