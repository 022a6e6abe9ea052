/** What must be in the table of tallies, going by the answers that were given. Each number is written once. */
export class Tally {
  #next = 0;
  readonly #acknowledged = new Set<number>();
  readonly #unknown = new Set<number>();

  /** A number that was never used. */
  take(): number {
    this.#next += 1;
    return this.#next;
  }

  acknowledged(n: number): void {
    this.#acknowledged.add(n);
  }

  /** It may be there. */
  unknown(n: number): void {
    this.#unknown.add(n);
  }

  get size(): number {
    return this.#acknowledged.size;
  }

  /** `lost`: acknowledged and not there. `wrong`: there, though its write was refused. */
  compare(rows: Iterable<number>): { lost: number[]; wrong: number[] } {
    const there = new Set(rows);
    return {
      lost: [...this.#acknowledged].filter((n) => !there.has(n)),
      wrong: [...there].filter((n) => !this.#acknowledged.has(n) && !this.#unknown.has(n)),
    };
  }
}
