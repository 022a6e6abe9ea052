/** Lets things happen one after the other, with a gap, however many want to. The first of them does not wait. */
export class Pace {
  #nextMs = -Infinity;

  constructor(private readonly gapMs: number) {}

  /** How long whoever asks has to wait; its turn is taken with that. */
  delayMs(nowMs: number): number {
    const atMs = Math.max(nowMs, this.#nextMs);
    this.#nextMs = atMs + this.gapMs;
    return atMs - nowMs;
  }
}
