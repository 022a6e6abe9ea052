import { withDeadline, type Clock } from '../../common/clock.js';
import { isFault, messageOf } from '../../common/errors.js';
import type { Kept } from '../ports.js';

/** The files are not read more often than once in so many ms, and not waited for longer. */
const gapMs = 1_000;

export interface KeptFileOptions<T> {
  /** As read at the start. */
  readonly first: T;
  /** Rejects with a sentence when there is nothing usable; then what was known stays. */
  readonly read: () => Promise<T>;
  readonly isSame: (a: T, b: T) => boolean;
  readonly clock: Clock;
  readonly onNews: () => void;
  /** Told once per reason. */
  readonly onTrouble: (why: string) => void;
}

/** What stands in files, and may be replaced there while the agent runs. */
export class KeptFile<T> implements Kept<T> {
  private value: T;
  private reading: Promise<boolean> | undefined;
  private readMs = -Infinity;
  private told: string | undefined;

  constructor(private readonly options: KeptFileOptions<T>) {
    this.value = options.first;
  }

  current(): T {
    return this.value;
  }

  async reread(): Promise<boolean> {
    if (this.reading) return this.reading;
    const { clock } = this.options;
    if (clock.nowMs() - this.readMs < gapMs) return false;
    this.readMs = clock.nowMs();
    this.reading = this.readNow().finally(() => (this.reading = undefined));
    return this.reading;
  }

  private async readNow(): Promise<boolean> {
    const { clock, isSame, onNews, onTrouble, read } = this.options;
    try {
      const found = await withDeadline(clock, gapMs, 'reading it again', () => read());
      this.told = undefined;
      if (isSame(found, this.value)) return false;
      this.value = found;
      onNews();
      return true;
    } catch (error) {
      if (isFault(error)) throw error;
      const why = messageOf(error);
      if (why !== this.told) onTrouble(why);
      this.told = why;
      return false;
    }
  }
}
