/** How an app leaves without a failed request: all in milliseconds. */
export interface DrainSettings {
  /** Serve at least this long, so that health checks and balancers can notice. */
  readonly minMs: number;
  /** Then until no request came for this long: the balancers have dropped us. */
  readonly quietMs: number;
  /**
   * But never longer than this, requests in flight included. Longer than a balancer may take to drop us: right after an
   * outage of Consul an agent keeps instances that Consul does not list for 15 s.
   */
  readonly maxMs: number;
}

export interface DrainObservation {
  readonly nowMs: number;
  readonly startedMs: number;
  /** When the last request began that was not a health check. */
  readonly lastRequestMs: number;
}

/** The three steps in their order. Event streams end with `quieting`: by then a page reconnects to another app. */
export type DrainPhase =
  | { readonly phase: 'serving'; readonly againInMs: number }
  | { readonly phase: 'quieting'; readonly againInMs: number }
  | { readonly phase: 'closing'; readonly reason: 'quiet' | 'too long' };

/** What to do now, and when to ask again. */
export function drainPhase(seen: DrainObservation, settings: DrainSettings): DrainPhase {
  const sinceStartMs = seen.nowMs - seen.startedMs;
  if (sinceStartMs >= settings.maxMs) return { phase: 'closing', reason: 'too long' };
  const leftMs = settings.maxMs - sinceStartMs;
  if (sinceStartMs < settings.minMs)
    return { phase: 'serving', againInMs: Math.min(settings.minMs - sinceStartMs, leftMs) };
  const quietForMs = seen.nowMs - Math.max(seen.lastRequestMs, seen.startedMs);
  if (quietForMs >= settings.quietMs) return { phase: 'closing', reason: 'quiet' };
  return { phase: 'quieting', againInMs: Math.min(settings.quietMs - quietForMs, leftMs) };
}
