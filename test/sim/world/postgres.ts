import type { Breakage } from './breakage.js';
import type { Gate } from '../../../agent/core/lead/model.js';
import type { Fork, History } from '../../../common/postgres/history.js';

/** One record of WAL. Two of the same timeline number may be of different histories: `id` tells. */
export interface Wal {
  readonly id: number;
  readonly timeline: number;
  /** A client's value; undefined for what Postgres writes for itself. */
  readonly write: number | undefined;
}

/** On its way in three steps, each of which may take its time: inserted, flushed, and a look at whether to wait. */
export interface Commit {
  readonly id: number;
  /** Undefined: a barrier of the keeper's. */
  readonly write: number | undefined;
  /** The position behind it. */
  readonly at: number;
  stage: 'inserted' | 'flushed' | 'waiting' | 'acknowledged' | 'cancelled';
  readonly isSlow: boolean;
}

/** A walsender, and what it has been told. */
export interface Sender {
  /** Under which the standby streams. */
  readonly name: string;
  /** Whose flush counts, as this walsender has last read it. */
  counted: readonly string[];
  rereadAtMs: number | undefined;
  flushed: number;
}

/** A cluster and its keeper's files: what survives a crash, and what does not. */
export class SimPostgres {
  data: 'none' | 'present' | 'half-done' = 'present';
  isRunning = false;
  isWritable = false;
  wal: Wal[] = [];
  /** How much of it is on disk. */
  flushed = 0;
  timeline = 1;
  forks: Fork[] = [];
  hasSignal = true;
  incarnation = 1;
  source: string | undefined;
  streaming = false;
  /** WAL comes in no longer until then, though the connection stands. */
  stalledUntilMs = 0;
  /** The connection to the source does not stand until then. */
  cutUntilMs = 0;
  startAtMs: number | undefined;
  /** Nothing in it makes progress until then, or until it is killed. */
  hungUntilMs = 0;
  /** When a message came in from the source. */
  heardAtMs = -Infinity;
  slots: readonly string[] = [];
  /** By the standby's server; an impostor has a key of its own. */
  /** It is an older copy of itself, as after a box was restored, and has not caught up since. */
  wasRestored = false;
  readonly senders = new Map<string, Sender>();
  commits: Commit[] = [];
  /** `synchronous_standby_names` in the keeper's file; empty: commits wait for nobody. */
  names: readonly string[] = [];
  /** What the checkpointer has told the others: whether commits wait. */
  private isWaitedFor = false;
  private lingerUntilMs = 0;
  private rereadAtMs: number | undefined;
  private telling: { readonly value: boolean; readonly atMs: number } | undefined;

  // what the keeper remembers
  managed = false;
  gate: Gate['kind'] = 'closed';
  isGateProven = false;
  /** Before this start of Postgres it was closed already. */
  isGateSinceStart = false;
  /** No earlier opening can be on its way through the checkpointer. */
  isSettled = false;
  holdUntilMs = 0;
  namesBefore: readonly string[] = [];
  drainUntilMs: number | undefined;

  constructor(
    readonly name: string,
    private readonly random: () => number,
    /** What runs before each start. */
    private readonly prepareStart: (pg: SimPostgres) => void,
    private readonly started: (pg: SimPostgres) => void,
    private readonly broken: Pick<Breakage, 'isHalfDoneStarted' | 'isMarkIgnored'>,
  ) {}

  get position(): string {
    return this.positionAt(this.flushed);
  }
  positionAt(at: number): string {
    return `${this.timeline}/${lsnOf(at)}`;
  }

  get history(): History {
    return { systemId: '7', timeline: this.timeline, forks: this.forks };
  }

  /** Whoever starts it: in recovery, its gate closed, where it is managed (D1, D2). */
  start(): void {
    if (this.broken.isHalfDoneStarted && this.data === 'half-done') this.data = 'present';
    if (this.isRunning || this.data !== 'present') return;
    // Its shared memory is still in use: whoever starts it tries again.
    if (this.hasBackends) {
      this.startAtMs = this.lingerUntilMs + 10;
      return;
    }
    if (this.managed) this.prepareStart(this);
    this.isRunning = true;
    this.isWaitedFor = this.names.length > 0;
    this.rereadAtMs = this.telling = undefined;
    if (!this.managed) return;
    this.isWritable = !this.hasSignal;
    this.started(this);
  }

  /** Backends that outlived their postmaster. */
  get hasBackends(): boolean {
    return this.lingerUntilMs > 0;
  }

  /** The postmaster alone dies: a backend that is at something goes on until it looks up, and may acknowledge by then (F1). */
  losePostmaster(untilMs: number): void {
    const busy = this.commits.filter(
      ({ write, stage }) => write !== undefined && (stage === 'inserted' || stage === 'flushed'),
    );
    if (!this.isRunning || !this.isWritable || busy.length === 0) return this.crash();
    this.isRunning = false;
    this.hungUntilMs = 0;
    this.senders.clear();
    this.commits = busy;
    this.lingerUntilMs = untilMs;
  }

  /** One tick of backends without a postmaster. Whoever would wait for a standby sees that it is gone. */
  linger(nowMs: number, acknowledged: (commit: Commit) => void): void {
    if (!this.hasBackends) return;
    for (const commit of this.commits) {
      if (this.random() > 0.03) continue;
      if (commit.stage === 'inserted') {
        commit.stage = 'flushed';
        this.flushed = Math.max(this.flushed, commit.at);
      } else if (this.isWaitedFor) commit.stage = 'cancelled';
      else this.acknowledge(commit, acknowledged);
    }
    this.commits = this.commits.filter(({ stage }) => stage !== 'acknowledged' && stage !== 'cancelled');
    if (nowMs >= this.lingerUntilMs) this.crash();
  }

  crash(): void {
    this.isRunning = false;
    this.lingerUntilMs = 0;
    this.hungUntilMs = 0;
    this.streaming = false;
    this.commits = [];
    this.senders.clear();
    this.wal.length = this.flushed;
  }

  /** SIGHUP: everyone reads the file when they get to it. */
  reload(nowMs: number): void {
    if (!this.isRunning) return;
    this.rereadAtMs = nowMs + this.delayMs();
    for (const sender of this.senders.values()) sender.rereadAtMs = nowMs + this.delayMs();
  }

  /** The checkpointer has looked at the file as it is now, and told the others. */
  get isReloaded(): boolean {
    return this.rereadAtMs === undefined && this.telling === undefined;
  }

  private delayMs(): number {
    const luck = this.random();
    return this.random() * (luck < 0.7 ? 30 : luck < 0.95 ? 200 : 1_500);
  }

  append(id: number, write: number | undefined): void {
    this.wal.push({ id, timeline: this.timeline, write });
  }

  commit(id: number, write: number | undefined): Commit {
    this.append(id, write);
    const commit: Commit = {
      id,
      write,
      at: this.wal.length,
      stage: 'inserted',
      isSlow: this.random() < 0.1,
    };
    this.commits.push(commit);
    return commit;
  }

  /** Whether that standby's walsender would let commits pass. */
  get someoneCounts(): boolean {
    return [...this.senders.values()].some(({ name, counted }) => counted.includes(name));
  }

  /** One tick of a server that runs; told of what is acknowledged. */
  tick(nowMs: number, acknowledged: (commit: Commit) => void): void {
    this.readFile(nowMs, acknowledged);
    for (const commit of this.commits) {
      if (this.random() > (commit.isSlow ? 0.05 : 0.6)) continue;
      if (commit.stage === 'inserted') {
        commit.stage = 'flushed';
        this.flushed = Math.max(this.flushed, commit.at);
      } else if (commit.stage === 'flushed') {
        if (this.isWaitedFor) commit.stage = 'waiting';
        else this.acknowledge(commit, acknowledged);
      }
    }
    for (const { name, counted, flushed } of this.senders.values())
      if (counted.includes(name))
        for (const commit of this.commits)
          if (commit.stage === 'waiting' && commit.at <= flushed) this.acknowledge(commit, acknowledged);
    this.commits = this.commits.filter(({ stage }) => stage !== 'acknowledged' && stage !== 'cancelled');
  }

  private readFile(nowMs: number, acknowledged: (commit: Commit) => void): void {
    if (this.telling && nowMs >= this.telling.atMs) {
      this.isWaitedFor = this.telling.value;
      this.telling = undefined;
      if (!this.isWaitedFor)
        for (const commit of this.commits)
          if (commit.stage === 'waiting') this.acknowledge(commit, acknowledged);
    } else if (!this.telling && this.rereadAtMs !== undefined && nowMs >= this.rereadAtMs) {
      const pauseMs = this.random() < 0.15 ? this.random() * 300 : 0;
      this.telling = { value: this.names.length > 0, atMs: nowMs + pauseMs };
      this.rereadAtMs = undefined;
    }
    for (const sender of this.senders.values())
      if (sender.rereadAtMs !== undefined && nowMs >= sender.rereadAtMs) {
        sender.counted = this.names;
        sender.rereadAtMs = undefined;
      }
  }

  private acknowledge(commit: Commit, acknowledged: (commit: Commit) => void): void {
    commit.stage = 'acknowledged';
    acknowledged(commit);
  }

  promote(id: () => number): void {
    const parent = this.timeline;
    this.timeline += 1;
    const mark = id();
    this.forks = [
      ...this.forks,
      {
        timeline: this.timeline,
        parent,
        lsn: lsnOf(this.wal.length),
        mark: this.broken.isMarkIgnored ? 'mark' : `mark ${mark}`,
      },
    ];
    this.append(mark, undefined);
    this.flushed = this.wal.length;
    this.isWritable = true;
    this.streaming = false;
    this.source = undefined;
    this.hasSignal = false;
  }

  /** The box is restored from a copy that was made when so much was on its disk. */
  restore(length: number): void {
    this.crash();
    this.wal.length = this.flushed = length;
    // The fork may be cut off with the rest; then it is a copy from before it, which is another matter.
    this.wasRestored = true;
  }

  /** Whether what this one has is the beginning of what the other has. */
  isPrefixOf(other: SimPostgres): boolean {
    const last = this.wal.at(-1);
    if (this.broken.isMarkIgnored)
      return last === undefined || other.wal[this.wal.length - 1]?.timeline === last.timeline;
    return last === undefined || other.wal[this.wal.length - 1]?.id === last.id;
  }

  /** Takes up to `records` more from a server that it may follow, and says how much it has. `name`: what it streams under. */
  stream(from: SimPostgres, name: string, records: number, nowMs: number): void {
    this.streaming = from.isRunning && nowMs >= this.cutUntilMs && this.isPrefixOf(from);
    if (!this.streaming) return;
    let sender = from.senders.get(this.name);
    if (sender?.name !== name) {
      sender = { name, counted: from.names, rereadAtMs: undefined, flushed: 0 };
      from.senders.set(this.name, sender);
    }
    if (nowMs < this.stalledUntilMs) return;
    this.heardAtMs = nowMs;
    const end = Math.min(from.flushed, this.wal.length + records);
    for (const next of from.wal.slice(this.wal.length, end)) this.wal.push(next);
    this.flushed = this.wal.length;
    sender.flushed = this.flushed;
    if (this.wal.length === from.flushed) {
      this.timeline = from.timeline;
      this.forks = from.forks;
    }
  }

  /** A copy under way: files are there, and not yet all that is in them. */
  tear(from: SimPostgres): void {
    const whole = from.wal.slice(0, from.flushed);
    const torn = Math.floor(this.random() * whole.length);
    this.wal = whole.map((record, at) => (at >= torn && at < torn + 20 ? { ...record, id: 0 } : record));
    this.flushed = this.wal.length;
    this.timeline = from.timeline;
    this.forks = from.forks;
    this.isWritable = false;
  }

  copy(from: SimPostgres): void {
    this.wal = from.wal.slice(0, from.flushed);
    this.flushed = this.wal.length;
    this.timeline = from.timeline;
    this.forks = from.forks;
    this.incarnation += 1;
    this.data = 'present';
    this.isWritable = false;
    this.hasSignal = true;
  }
}

export const lsnOf = (length: number) => `0/${length.toString(16).toUpperCase()}`;
