import type { Gate } from '../../../agent/core/lead/model.js';
import type { Fork, History } from '../../../common/postgres/history.js';

/** One record of WAL. Two of the same timeline number may be of different histories: `id` tells. */
export interface Wal {
  readonly id: number;
  readonly timeline: number;
  /** A client's value; undefined for what Postgres writes for itself. */
  readonly write: number | undefined;
}

/** A cluster and its keeper's files: what survives a crash, and what does not. */
export class SimPostgres {
  data: 'none' | 'present' | 'half-done' = 'present';
  isRunning = false;
  isWritable = false;
  wal: Wal[] = [];
  timeline = 1;
  forks: Fork[] = [];
  managed = false;
  gate: Gate['kind'] = 'closed';
  holdUntilMs = 0;
  drainUntilMs: number | undefined;
  incarnation = 1;
  source: string | undefined;
  streaming = false;
  /** WAL comes in no longer until then, though the connection stands. */
  stalledUntilMs = 0;
  startAtMs: number | undefined;
  slots: readonly string[] = [];
  /** Commits that wait: they are acknowledged when the gate opens, and forgotten in a crash. */
  waiting: number[] = [];

  constructor(
    readonly name: string,
    private readonly isGateOpenAtStart: boolean,
  ) {}

  get position(): string {
    return `${this.timeline}/${this.wal.length}`;
  }

  get history(): History {
    return { systemId: '7', timeline: this.timeline, forks: this.forks };
  }

  /** Whoever starts it: in recovery, its gate closed, where it is managed (D1, D2). */
  start(): void {
    if (this.isRunning || this.data !== 'present') return;
    this.isRunning = true;
    if (!this.managed) return;
    this.isWritable = false;
    this.gate = this.isGateOpenAtStart ? 'open' : 'closed';
    this.drainUntilMs = undefined;
  }

  crash(): void {
    this.isRunning = false;
    this.streaming = false;
    this.waiting = [];
  }

  promote(id: () => number): void {
    const parent = this.timeline;
    this.timeline += 1;
    const mark = id();
    this.forks = [
      ...this.forks,
      { timeline: this.timeline, parent, lsn: lsnOf(this.wal.length), mark: `mark ${mark}` },
    ];
    this.wal.push({ id: mark, timeline: this.timeline, write: undefined });
    this.isWritable = true;
    this.streaming = false;
  }

  /** Whether what this one has is the beginning of what the other has. */
  isPrefixOf(other: SimPostgres): boolean {
    const last = this.wal.at(-1);
    return last === undefined || other.wal[this.wal.length - 1]?.id === last.id;
  }

  /** Takes up to `records` more from a server that it may follow. */
  stream(from: SimPostgres, records: number, nowMs: number): void {
    this.streaming = from.isRunning && this.isPrefixOf(from);
    if (!this.streaming || nowMs < this.stalledUntilMs) return;
    for (const next of from.wal.slice(this.wal.length, this.wal.length + records)) this.wal.push(next);
    if (this.wal.length === from.wal.length) {
      this.timeline = from.timeline;
      this.forks = from.forks;
    }
  }

  copy(from: SimPostgres): void {
    this.wal = [...from.wal];
    this.timeline = from.timeline;
    this.forks = from.forks;
    this.incarnation += 1;
    this.data = 'present';
    this.isWritable = false;
    this.gate = 'closed';
  }
}

const lsnOf = (length: number) => `0/${length.toString(16).toUpperCase()}`;
