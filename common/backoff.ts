import type { Random } from './random.js';

export interface BackoffOptions {
  /** Delay before the first retry, in ms. */
  readonly baseMs: number;
  /** No delay is longer than this, in ms. */
  readonly maxMs: number;
}

/** Delay before retry number `attempt` (0 first): doubles each time, with full jitter in its upper half. */
export function backoffMs(attempt: number, options: BackoffOptions, random: Random): number {
  const ceiling = Math.min(options.maxMs, options.baseMs * 2 ** Math.min(attempt, 30));
  return ceiling / 2 + (ceiling / 2) * random();
}
