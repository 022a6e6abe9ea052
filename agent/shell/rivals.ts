import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import { rivalOf, rivalText, type Rival, type Run } from '../core/rivals.js';

/** So long after this agent's first write, in ms, an answer may still tell of the time before it. */
const staleMs = 2_000;
/** A rival that yielded is named for so long, in ms. */
const namedMs = 60_000;

export interface RivalsOptions {
  readonly self: Run;
  readonly clock: Clock;
  readonly log: Log;
}

/** Whether another agent writes under this box's name, and which of the two goes on. */
export class Rivals {
  private firstWriteMs: number | undefined;
  private found: Rival | undefined;
  private foundMs = -Infinity;

  constructor(private readonly options: RivalsOptions) {}

  /** This agent has changed what Consul holds. */
  wrote(): void {
    this.firstWriteMs ??= this.options.clock.nowMs();
  }

  /** What Consul holds, on this box or in the catalogue. */
  look(entries: Parameters<typeof rivalOf>[0]): void {
    const { clock, log, self } = this.options;
    if (this.firstWriteMs === undefined || this.isSuperseded) return;
    const rival = rivalOf(entries, self);
    if (!rival || (rival.keeps === 'we' && clock.nowMs() - this.firstWriteMs < staleMs)) return;
    if (this.complaint !== rivalText(rival)) log.warn(rivalText(rival));
    this.found = rival;
    this.foundMs = clock.nowMs();
  }

  /** The other keeps the box: nothing is written any more. */
  get isSuperseded(): boolean {
    return this.found?.keeps === 'they';
  }

  /** A sentence, while there is something to say. */
  get complaint(): string | undefined {
    if (!this.found) return undefined;
    const isOver = this.found.keeps === 'we' && this.options.clock.nowMs() - this.foundMs > namedMs;
    return isOver ? undefined : rivalText(this.found);
  }
}
