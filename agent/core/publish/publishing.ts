import { isAnswer, type Attempt } from './attempt.js';

/** How it goes with writing into Consul. */
export interface Publishing {
  /** So often in a row Consul said no. */
  readonly refusals: number;
  /** Nothing is tried before then, monotonic ms. */
  readonly notBeforeMs: number;
  /** What Consul said no with, as a sentence, once that is worth a complaint. */
  readonly complaint: string | undefined;
}

export const freshPublishing: Publishing = { refusals: 0, notBeforeMs: -Infinity, complaint: undefined };

/** Between attempts at something Consul said no to, in ms: doubled each time. */
const pause = { firstMs: 500, mostMs: 10_000 };

interface Seen {
  readonly nowMs: number;
  readonly attempt: Attempt | undefined;
  readonly isConsulSettling: boolean;
  readonly hasNewToken: boolean;
}

/** Only a no counts. Who gets no answer waits until what Consul holds could be read again. */
export function publishingAfter(before: Publishing, seen: Seen): Publishing {
  const { attempt, hasNewToken } = seen;
  const known = hasNewToken ? { ...before, notBeforeMs: -Infinity } : before;
  if (!attempt) return known;
  const { action, outcome } = attempt;
  switch (outcome.kind) {
    case 'done':
      // A registration alone is half of what is to be done: the check may be refused still.
      return action.kind === 'register' ? known : freshPublishing;
    case 'failed':
      return isAnswer(outcome.trouble) ? refused(before, outcome.why, seen) : known;
    case 'timed-out':
    case 'unconfirmed':
      return known;
  }
}

function refused(before: Publishing, why: string, { nowMs, isConsulSettling }: Seen): Publishing {
  const refusals = before.refusals + 1;
  // The first no is often "I do not know that check": what Consul holds is read again, and all is mended at once.
  if (refusals === 1) return { ...before, refusals };
  if (isConsulSettling) return { ...before, refusals, notBeforeMs: nowMs + pause.firstMs };
  const pauseMs = Math.min(pause.mostMs, pause.firstMs * 2 ** Math.min(refusals - 2, 30));
  return { refusals, notBeforeMs: nowMs + pauseMs, complaint: why };
}
