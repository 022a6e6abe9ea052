/** One acknowledged insert, as seen from outside the boxes; monotonic ms. */
export interface Acknowledged {
  readonly n: number;
  readonly by: 'pool' | 'bare' | 'observer';
  /** What the server itself said with the row. Each promotion begins a timeline. */
  readonly member: string;
  readonly timeline: number;
  readonly sentMs: number;
  readonly ackedMs: number;
}

/** What became of each number: kept outside the boxes. */
export class Ledger {
  readonly acknowledged: Acknowledged[] = [];
  /** Told for sure that nothing happened. */
  readonly refused = new Set<number>();
  #last = 0;

  take(): number {
    return ++this.#last;
  }

  /** The last number taken. */
  get last(): number {
    return this.#last;
  }

  acknowledge(ack: Acknowledged): void {
    this.acknowledged.push(ack);
  }

  /** Numbers above `above`, held against those that are there. */
  compare(there: readonly number[], above = 0): { lost: number[]; unexpected: number[] } {
    const kept = new Set(there);
    return {
      lost: this.acknowledged.filter(({ n }) => n > above && !kept.has(n)).map(({ n }) => n),
      unexpected: there.filter((n) => n > this.#last || n < 1 || this.refused.has(n)),
    };
  }
}

/**
 * How long two members acknowledged at one time, ms: from the first acknowledgement of a newer timeline to the last one by another
 * member of an older (or of the same) timeline that was *sent* after it. What was sent before may have been held up on its way back.
 */
export function twoPrimariesMs(acks: readonly Acknowledged[]): number {
  const timelines = new Map<string, { member: string; timeline: number; firstMs: number }>();
  for (const { member, timeline, ackedMs } of acks) {
    const key = `${timeline} ${member}`;
    const known = timelines.get(key);
    if (!known || ackedMs < known.firstMs) timelines.set(key, { member, timeline, firstMs: ackedMs });
  }
  let longest = 0;
  for (const newer of timelines.values())
    for (const ack of acks) {
      if (ack.member === newer.member || ack.timeline > newer.timeline || ack.sentMs <= newer.firstMs)
        continue;
      longest = Math.max(longest, ack.ackedMs - newer.firstMs);
    }
  return longest;
}

/** How often another member than before acknowledges, in the order of timelines. */
export function roleChanges(acks: readonly Acknowledged[]): number {
  const ordered = [...acks].sort((a, b) => a.timeline - b.timeline || a.ackedMs - b.ackedMs);
  return ordered.filter(({ member }, index) => index > 0 && member !== ordered[index - 1]!.member).length;
}

/** The longest gap between acknowledgements of the Pool's clients from `fromMs` to `toMs`, both included as edges. */
export function longestGapMs(acks: readonly Acknowledged[], fromMs: number, toMs: number): number {
  const times = acks
    .filter(({ by, ackedMs }) => by === 'pool' && ackedMs >= fromMs && ackedMs <= toMs)
    .map(({ ackedMs }) => ackedMs)
    .sort((a, b) => a - b);
  let longest = 0;
  let before = fromMs;
  for (const ms of [...times, toMs]) {
    longest = Math.max(longest, ms - before);
    before = ms;
  }
  return longest;
}
