import { outcomeOf, type Outcome } from './outcomes.js';

/** What came of an operation. */
export type Ended<T> =
  { readonly outcome: 'done'; readonly value: T } | { readonly outcome: Exclude<Outcome, 'done'> };

/** What the load has seen so far. */
export interface Seen {
  operations: number;
  outcomes: Record<Outcome, number>;
  slowestMs: number;
  slowest: string;
  hangs: number;
  wrong: number;
  /** Of the outcomes: refused as read-only, as they should be. */
  refused: number;
  /** What the app did again by itself. */
  retries: number;
  /** The first of what was not as promised, a line each. */
  complaints: string[];
}

const keptComplaints = 50;

/** Runs the operations of the load, and judges how each ends: in time, and well or with a promised error. */
export class Watch {
  readonly seen: Seen = {
    operations: 0,
    outcomes: { done: 0, 'read-only': 0, lost: 0, unknown: 0, down: 0 },
    slowestMs: 0,
    slowest: 'nothing',
    hangs: 0,
    wrong: 0,
    refused: 0,
    retries: 0,
    complaints: [],
  };

  /** `expectsAll`: that everything is done, so that promised errors are named as well. */
  constructor(
    private readonly deadlineMs: number,
    private readonly expectsAll = false,
  ) {}

  /** An operation that does not end in time is counted, left behind, and its outcome taken for unknown. */
  async run<T>(
    what: string,
    thrown: (error: unknown) => unknown,
    work: () => Promise<T>,
    mayBeRefused = false,
  ): Promise<Ended<T>> {
    const startedMs = performance.now();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), this.deadlineMs);
    });
    this.seen.operations += 1;
    try {
      const answer = await Promise.race([work().then((value) => ({ value })), late]);
      if (answer !== 'late') return this.#end(what, { outcome: 'done', value: answer.value }, startedMs);
      this.hang(`${what}: no answer within ${this.deadlineMs} ms`);
      return this.#end(what, { outcome: 'unknown' }, startedMs);
    } catch (error) {
      const outcome = outcomeOf(thrown(error));
      if (!outcome) this.wrong(`${what}: ${describe(error)}`);
      else if (this.expectsAll && !mayBeRefused)
        this.#note(`${what}: after ${Math.round(performance.now() - startedMs)} ms ${describe(error)}`);
      return this.#end(what, { outcome: outcome ?? 'unknown' }, startedMs);
    } finally {
      clearTimeout(timer);
    }
  }

  wrong(complaint: string): void {
    this.seen.wrong += 1;
    // Before what was late, of which there may be much.
    this.seen.complaints.unshift(complaint);
    this.seen.complaints.splice(keptComplaints);
  }

  hang(complaint: string): void {
    this.seen.hangs += 1;
    this.#note(complaint);
  }

  #end<T>(what: string, ended: Ended<T>, startedMs: number): Ended<T> {
    const tookMs = performance.now() - startedMs;
    this.seen.outcomes[ended.outcome] += 1;
    if (tookMs > this.seen.slowestMs) {
      this.seen.slowestMs = tookMs;
      this.seen.slowest = `${what}: ${ended.outcome}`;
    }
    return ended;
  }

  #note(complaint: string): void {
    if (this.seen.complaints.length < keptComplaints) this.seen.complaints.push(complaint);
  }
}

function describe(error: unknown): string {
  const { name, code, message, cause } = error as Error & { code?: unknown };
  const text = `${name}${code === undefined ? '' : ` ${String(code)}`}: ${message.replaceAll(/\s+/g, ' ')}`;
  return cause === undefined ? text : `${text} (because: ${describe(cause)})`;
}
