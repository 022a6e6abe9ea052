import type { Pause } from './steps.js';

/** When nothing was acknowledged for the longest time, since it was last asked. Pure: it is told the time. */
export class Pauses {
  #lastMs: number;
  #longest: Pause;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
    this.#longest = { fromMs: nowMs, toMs: nowMs };
  }

  acknowledged(nowMs: number): void {
    this.#longest = this.#longestWith(nowMs);
    this.#lastMs = nowMs;
  }

  /** Whatever is not acknowledged yet counts up to now; begins anew. */
  take(nowMs: number): Pause {
    const longest = this.#longestWith(nowMs);
    this.#longest = { fromMs: nowMs, toMs: nowMs };
    this.#lastMs = nowMs;
    return longest;
  }

  #longestWith(nowMs: number): Pause {
    const { fromMs, toMs } = this.#longest;
    return nowMs - this.#lastMs > toMs - fromMs ? { fromMs: this.#lastMs, toMs: nowMs } : this.#longest;
  }
}

export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
