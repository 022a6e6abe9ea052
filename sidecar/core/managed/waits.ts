/** How long a session has been busy with one statement, and waiting for a standby, as far as that was looked at. */
export interface Busy {
  readonly statement: object;
  readonly sinceMs: number;
  /** Null: it was not seen waiting. */
  readonly waitingSinceMs: number | null;
}

/** Between two looks at what is in flight, ms. */
export const looksEveryMs = (ackTimeoutMs: number): number => Math.min(500, Math.max(20, ackTimeoutMs / 10));

/** What a look shows: the same statement as before, or another one. Null: nothing is in flight. */
export function looked(before: Busy | undefined, statement: object | null, nowMs: number): Busy | null {
  if (statement === null) return null;
  return before?.statement === statement ? before : { statement, sinceMs: nowMs, waitingSinceMs: null };
}

/** Worth asking the server about: a statement that ends soon costs nothing. */
export const isLong = ({ sinceMs }: Busy, nowMs: number): boolean => sinceMs < nowMs;

/**
 * What its server says. Who is seen waiting has waited since the look before, at the earliest: a long statement that comes to
 * its commit only now is given its time.
 */
export function answered(busy: Busy, waits: boolean, lookMs: number, previousLookMs: number): Busy {
  if (!waits) return { ...busy, waitingSinceMs: null };
  return {
    ...busy,
    waitingSinceMs: busy.waitingSinceMs ?? Math.max(busy.sinceMs, Math.min(lookMs, previousLookMs)),
  };
}

export const isOver = ({ waitingSinceMs }: Busy, nowMs: number, ackTimeoutMs: number): boolean =>
  waitingSinceMs !== null && nowMs - waitingSinceMs >= ackTimeoutMs;
