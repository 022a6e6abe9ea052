/** One of the agent's loops, and how it gets on. */
export interface LoopProgress {
  readonly name: string;
  /** When it last came round, monotonic ms. */
  readonly progressMs: number;
  /** How often it comes round when all is well, in ms. */
  readonly everyMs: number;
}

/** A loop may be late for so long, in ms, whatever its rhythm: deadlines of several calls in a row. */
const patienceMs = 10_000;

/**
 * The loops that hang. Everything they wait for has a deadline, so a loop that missed three rounds and all patience waits
 * for something that never comes, and only a new start of the agent helps. `stoodStillMs`: the whole box stood still for
 * so long just now, which is no loop's fault.
 */
export function hangingLoops(
  loops: readonly LoopProgress[],
  nowMs: number,
  stoodStillMs: number,
): readonly LoopProgress[] {
  return loops.filter(
    ({ progressMs, everyMs }) => nowMs - stoodStillMs - progressMs > 3 * everyMs + patienceMs,
  );
}
