/** How long nothing was acknowledged, at the longest, since it was last asked. Pure: it is told the time. */
export class Pauses {
  #lastMs: number;
  #longestMs = 0;

  constructor(nowMs: number) {
    this.#lastMs = nowMs;
  }

  acknowledged(nowMs: number): void {
    this.#longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#lastMs = nowMs;
  }

  /** Whatever is not acknowledged yet counts up to now; begins anew. */
  take(nowMs: number): number {
    const longestMs = Math.max(this.#longestMs, nowMs - this.#lastMs);
    this.#longestMs = 0;
    this.#lastMs = nowMs;
    return longestMs;
  }
}

export function medianOf(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
