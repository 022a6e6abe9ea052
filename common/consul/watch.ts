import { backoffMs, type BackoffOptions } from '../backoff.js';
import { sleep, type Clock } from '../clock.js';
import type { Random } from '../random.js';
import type { Answer, ConsulConnection } from './connection.js';
import { ConsulFailure, fromConsul } from './failure.js';
import { nextIndex } from './next-index.js';

export interface WatchOptions<T> {
  readonly connection: Pick<ConsulConnection, 'get'>;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** How long Consul may hold a question while nothing changes: as long as a dead connection may pass for a quiet one. */
  readonly waitMs: number;
  /** For an answer that Consul does not hold back. */
  readonly deadlineMs: number;
  readonly retry: BackoffOptions;
  /** Whether it keeps the process alive between two questions. Default true. */
  readonly ref?: boolean;
  readonly clock: Clock;
  readonly random: Random;
  /** @throws TypeError when something else than Consul answered. */
  readonly parse: (body: unknown) => T;
  /** `isNews` is false when Consul only says that nothing has changed. An error of it ends the watch. */
  readonly onAnswer: (value: T, isNews: boolean) => void;
  /** Called for every attempt that failed; `inARow` is 1 for the first. An error of it ends the watch. */
  readonly onFailure: (why: ConsulFailure, inARow: number) => void;
}

/** Two questions never follow each other faster, whatever the index does. */
const minGapMs = 100;

/** Not a failure: the same is asked again, without waiting. */
class Anew extends Error {}

/**
 * One blocking query, asked again and again. What its listeners throw is theirs and comes out of `run`: it is never taken
 * for a failure of Consul.
 */
export class ConsulWatch<T> {
  #question = new AbortController();
  #pauseAfterFailure = new AbortController();

  constructor(private readonly options: WatchOptions<T>) {}

  /** Gives up the question under way, if there is one, and asks at once one that Consul does not hold back. */
  askAnew(): void {
    this.#question.abort(new Anew());
  }

  /** What kept it from an answer is mended, as far as is known: the pause after a failure is over, if there is one. */
  retryNow(): void {
    this.#pauseAfterFailure.abort();
  }

  /** Runs until the signal fires. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, retry, waitMs, onAnswer, onFailure } = this.options;
    const stop = () => {
      this.#question.abort(signal.reason);
      this.#pauseAfterFailure.abort();
    };
    signal.addEventListener('abort', stop, { once: true });
    let index = '0';
    let failures = 0;
    try {
      while (!signal.aborted) {
        const askedMs = clock.nowMs();
        const heard = await this.#ask(index);
        if (signal.aborted) return;
        if (heard instanceof ConsulFailure) {
          // Whoever comes back may count from another start.
          index = '0';
          failures += 1;
          this.#pauseAfterFailure = new AbortController();
          onFailure(heard, failures);
          await this.#pause(backoffMs(failures - 1, retry, random), this.#pauseAfterFailure.signal);
        } else if (heard === 'anew') {
          index = '0';
        } else {
          onAnswer(heard.value, heard.index !== index);
          // A question that comes back unchanged before its time was cut off by the restoring of a snapshot: what is there
          // now counts from a lower index, and asked with this one Consul would hold it back. (It does not cut off every one.)
          const next = nextIndex(index, heard.index);
          const isCutOff = next === index && clock.nowMs() - askedMs < waitMs * 0.9;
          index = isCutOff ? '0' : next;
          failures = 0;
          await this.#pause(minGapMs - (clock.nowMs() - askedMs), signal);
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  async #ask(index: string): Promise<{ value: T; index: Answer['index'] } | ConsulFailure | 'anew'> {
    const { connection, path, query, waitMs, deadlineMs, parse } = this.options;
    this.#question = new AbortController();
    try {
      const { body, index: seen } = await connection.get({
        path,
        query: { ...query, index, wait: `${Math.round(waitMs)}ms` },
        // Consul adds up to a sixteenth to spread its answers. A question without an index is answered at once.
        deadlineMs: index === '0' ? deadlineMs : waitMs + waitMs / 16 + deadlineMs,
        signal: this.#question.signal,
      });
      return { value: fromConsul(() => parse(body)), index: seen };
    } catch (error) {
      if (error instanceof ConsulFailure) return error;
      // Asked anew, or stopped, which is seen to next.
      if (error instanceof Anew || this.#question.signal.aborted) return 'anew';
      throw error;
    }
  }

  async #pause(delayMs: number, signal: AbortSignal): Promise<void> {
    const { clock, ref = true } = this.options;
    if (delayMs > 0) await sleep(clock, delayMs, { signal, ref }).catch(() => {});
  }
}
