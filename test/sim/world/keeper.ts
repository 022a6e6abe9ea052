import { falseTwins } from '../../../common/postgres/history.js';
import type { LeadAction, Outcome } from '../../../agent/core/lead/model.js';
import type { Commit, SimPostgres } from './postgres.js';
import type { World } from './world.js';

/** How an order ended. */
export type KeeperEnd =
  | { readonly kind: 'done'; readonly position?: string }
  | {
      readonly kind: 'refused' | 'failed' | 'timed-out' | 'unconfirmed';
      readonly why: string;
      readonly reason?: string;
    };
class Ended extends Error {
  constructor(readonly end: Exclude<KeeperEnd, { kind: 'done' }>) {
    super(end.why);
  }
}
const refuse = (why: string, reason?: string) =>
  new Ended({ kind: 'refused', why, ...(reason === undefined ? {} : { reason }) });

/** One step a tick: a crash may fall between any two. */
type Steps<T = void> = Generator<void, T>;

const deadlineMs = 5_000;
const addMs = 2_000;
const takeBackMs = 3_000;

/** The steps of keeper/verbs, on a simulated Postgres. One order at a time. */
export class SimKeeper {
  private readonly random: () => number;
  private job: { readonly steps: Steps<KeeperEnd>; readonly onEnd: (end: KeeperEnd) => void } | undefined;

  constructor(
    private readonly world: World,
    private readonly pg: SimPostgres,
  ) {
    this.random = world.source(`keeper of ${pg.name}`);
  }

  get isBusy(): boolean {
    return this.job !== undefined;
  }

  begin(action: LeadAction, onEnd: (end: KeeperEnd) => void): void {
    if (action.kind === 'fence') this.end({ kind: 'failed', why: 'cut off by a fence' });
    if (this.job) return onEnd({ kind: 'refused', why: 'busy', reason: 'busy' });
    this.job = { steps: this.perform(action), onEnd };
  }

  /** Its files stay; what it was at is over. */
  die(): void {
    this.end({ kind: 'unconfirmed', why: 'the connection ended' });
  }

  tick(): void {
    const { pg, world } = this;
    if (!this.job && pg.gate === 'hold' && pg.isRunning && world.nowMs >= pg.holdUntilMs)
      this.job = { steps: this.openTo(pg.namesBefore, world.nowMs + deadlineMs), onEnd: () => {} };
    if (pg.drainUntilMs !== undefined && world.nowMs >= pg.drainUntilMs) pg.drainUntilMs = undefined;
    if (!this.job) return;
    try {
      const { done, value } = this.job.steps.next();
      if (done) this.end(value);
    } catch (error) {
      if (!(error instanceof Ended)) throw error;
      this.end(error.end);
    }
  }

  private end(end: KeeperEnd): void {
    const { job } = this;
    this.job = undefined;
    job?.onEnd(end);
  }

  /** Before each start of Postgres (D1, D2). */
  prepareStart(): void {
    const { pg, world } = this;
    this.writeClosed();
    if (world.broken.isGateOpenAtStart) {
      pg.names = [];
      pg.gate = 'open';
    }
    pg.drainUntilMs = undefined;
    if (!world.broken.isSignalPutTooEarly) pg.hasSignal = true;
  }

  private writeClosed(): void {
    const { pg, world } = this;
    pg.names = world.broken.isStandbyUngated && !pg.isWritable ? [] : [`hotspare gate ${world.nextId()}`];
    pg.gate = 'closed';
    pg.isGateProven = false;
    pg.isGateSinceStart = !pg.isRunning;
  }

  get isShut(): boolean {
    return this.pg.isGateProven || this.pg.isGateSinceStart;
  }

  private get isSettled(): boolean {
    if (!this.pg.isRunning) return false;
    return this.pg.gate === 'closed' ? this.isShut : this.pg.isSettled;
  }

  private *until(is: () => boolean, untilMs: number): Steps {
    while (!is()) {
      if (!this.pg.isRunning) throw new Ended({ kind: 'failed', why: 'Postgres has ended' });
      if (this.world.nowMs > untilMs) throw new Ended({ kind: 'timed-out', why: 'too late' });
      yield;
    }
  }

  private *perform(action: LeadAction): Steps<KeeperEnd> {
    const { pg, world } = this;
    const untilMs = world.nowMs + deadlineMs;
    const done: KeeperEnd = { kind: 'done' };
    switch (action.kind) {
      case 'manage':
        if (action.gate === 'as-is' && pg.isRunning) {
          pg.managed = true;
          pg.hasSignal = true;
          pg.isSettled = false;
          yield* this.openTo(pg.names, untilMs);
        } else {
          this.writeClosed();
          pg.managed = true;
          pg.hasSignal = true;
          yield* this.close(untilMs);
        }
        return done;
      case 'release-management':
        if (pg.data === 'half-done') throw refuse('a rejoin is half done', 'rewinding');
        if (action.isWritable && !(pg.isRunning && pg.isWritable))
          throw refuse('it is not a primary that runs', 'in-recovery');
        if (pg.isRunning && pg.isWritable) {
          yield* this.openTo([], untilMs);
          pg.hasSignal = false;
        } else {
          // Its signal file stays.
          pg.isWritable = false;
          pg.gate = 'open';
          pg.names = [];
          pg.reload(world.nowMs);
        }
        pg.managed = false;
        return done;
      case 'close-gate':
        yield* this.close(untilMs);
        return done;
      case 'hold-gate': {
        const position = yield* this.hold(untilMs);
        return { ...done, position };
      }
      case 'finalise-gate':
        if (pg.gate !== 'hold') throw refuse('no hold', 'no-hold');
        yield* this.close(untilMs);
        return done;
      case 'open-gate':
        if (!pg.isRunning || !pg.isWritable) throw refuse('in recovery', 'in-recovery');
        pg.hasSignal = true;
        yield* this.openTo(action.standbys.map(world.broken.standbyName), untilMs);
        return done;
      case 'add-standby':
        yield* this.add([world.broken.standbyName(action.standby)]);
        return done;
      case 'drain':
        if (!pg.isRunning) throw refuse('not running', 'not-running');
        pg.drainUntilMs = world.nowMs + 10_000;
        return done;
      case 'end-drain':
        pg.drainUntilMs = undefined;
        return done;
      case 'promote':
        yield* this.promote(untilMs);
        return done;
      case 'fence':
        if (world.broken.isPostmasterAll) pg.losePostmaster(world.nowMs + 1_500);
        else pg.crash();
        // Its unit starts it again.
        pg.startAtMs = world.nowMs + 100 + this.random() * 400;
        return done;
      case 'follow': {
        if (!pg.isRunning || pg.isWritable) throw refuse('not a standby', 'not-in-recovery');
        const from = world.server(action.from.address);
        if (from.data === 'present' && !pg.isPrefixOf(from)) throw refuse('diverged', 'diverged');
        pg.source = action.from.address;
        return done;
      }
      case 'rejoin':
        if (action.method === 'rewind' && falseTwins(pg.history, action.from.history).length > 0)
          throw refuse('a timeline of that number began elsewhere', 'other-history');
        yield* this.rejoin(action.from.address);
        return done;
      case 'keep-slots':
        pg.slots = action.members;
        return done;
      case 'checkpoint':
        return done;
      default:
        throw new Error(`the simulated keeper does not know ${action.kind}`);
    }
  }

  private *close(untilMs: number): Steps {
    const { isSettled, pg } = this;
    this.writeClosed();
    pg.reload(this.world.nowMs);
    if (!pg.isRunning) return;
    yield* this.proveClosed(isSettled, untilMs);
    pg.isGateProven = true;
  }

  private *hold(untilMs: number): Steps<string> {
    const { isSettled, pg, world } = this;
    if (!pg.isRunning || pg.gate !== 'open') throw refuse('no open gate', 'gate-not-open');
    pg.namesBefore = pg.names;
    pg.gate = 'hold';
    pg.holdUntilMs = world.nowMs + 2_000;
    pg.names = [`hotspare hold ${world.nextId()}`];
    pg.reload(world.nowMs);
    const at = (yield* this.proveClosed(isSettled, untilMs)) ?? pg.wal.length;
    pg.isSettled = true;
    return pg.positionAt(at);
  }

  /** Behind which position nothing was acknowledged. */
  private *proveClosed(isSettled: boolean, untilMs: number): Steps<number | undefined> {
    const { pg, world } = this;
    if (!isSettled || !pg.isWritable) yield* this.until(() => pg.isReloaded, untilMs);
    if (!pg.isWritable) return undefined;
    for (;;) {
      const barrier = pg.commit(world.nextId(), undefined);
      yield* this.until(() => isOver(barrier), untilMs);
      if (barrier.stage !== 'waiting') continue;
      if (world.broken.isOneBarrierEnough) return barrier.at;
      barrier.stage = 'cancelled';
      break;
    }
    yield* this.until(() => !pg.someoneCounts, untilMs);
    const second = pg.commit(world.nextId(), undefined);
    yield* this.until(() => isOver(second), untilMs);
    if (second.stage !== 'waiting') throw new Ended({ kind: 'timed-out', why: 'it did not wait' });
    second.stage = 'cancelled';
    return pg.wal.length;
  }

  private *openTo(names: readonly string[], untilMs: number, barrier?: Commit): Steps<KeeperEnd> {
    const { pg, world } = this;
    const isSettled = names.length > 0 && this.isSettled;
    pg.gate = 'open';
    pg.isGateProven = false;
    pg.isSettled = isSettled;
    pg.names = names;
    pg.reload(world.nowMs);
    world.opened(pg.name);
    if (names.length === 0) yield* this.until(() => !pg.someoneCounts, untilMs);
    const sent = barrier ?? pg.commit(world.nextId(), undefined);
    yield* this.until(() => sent.stage === 'acknowledged', untilMs);
    pg.isGateProven = true;
    pg.isSettled = isSettled || names.length === 0;
    return { kind: 'done' };
  }

  private *add(names: readonly string[]): Steps {
    const { pg, world } = this;
    const untilMs = world.nowMs + addMs;
    const before = pg.names;
    try {
      yield* this.hold(untilMs);
      const first = world.broken.isOneBarrierEnough
        ? pg.commits.find(({ write, stage }) => write === undefined && stage === 'waiting')
        : undefined;
      yield* this.openTo(names, untilMs, first);
    } catch (error) {
      if (!(error instanceof Ended) || error.end.kind === 'refused' || !pg.isRunning) throw error;
      yield* this.openTo(before, world.nowMs + takeBackMs);
      throw error;
    }
  }

  private *promote(untilMs: number): Steps {
    const { pg, world } = this;
    if (!pg.isRunning || pg.gate !== 'closed') throw refuse('gate', 'gate-not-closed');
    if (!this.isShut) yield* this.close(untilMs);
    if (!pg.isWritable) {
      const atMs = world.nowMs + this.random() * 120;
      yield* this.until(() => world.nowMs >= atMs, untilMs);
      if (!pg.isWritable) pg.promote(world.nextId);
      yield;
    }
    if (!world.broken.isSignalPutTooEarly) pg.hasSignal = true;
  }

  private *rejoin(address: string): Steps {
    const { pg, world } = this;
    const from = world.server(address);
    if (!from.isRunning || !from.isWritable) throw refuse('the source is not ready', 'source-not-ready');
    if (pg.gate !== 'closed' && pg.isRunning) throw refuse('its gate is open', 'gate-not-closed');
    pg.crash();
    pg.data = 'half-done';
    if (world.broken.isHalfDoneStarted) pg.tear(from);
    const atMs = world.nowMs + this.random() * 300;
    while (world.nowMs < atMs) yield;
    if (this.random() < 0.1 || !from.isRunning || pg.isRunning)
      throw new Ended({ kind: 'failed', why: 'cut off' });
    pg.copy(from);
    this.writeClosed();
    pg.source = address;
  }
}

const isOver = ({ stage }: Commit) => stage !== 'inserted' && stage !== 'flushed';

export const outcomeOf = (action: LeadAction, end: KeeperEnd): Outcome => ({ ...end, action });
