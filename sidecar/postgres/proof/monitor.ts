import { backoffMs } from '../../../common/backoff.js';
import type { Clock, Timer } from '../../../common/clock.js';
import { asError } from '../../../common/errors.js';
import { nextTurn } from '../../../common/runtime/clock.js';
import type { Role, Target } from '../../../common/names.js';
import type { Monitor, Monitors, Report, Whereabouts } from '../../ports.js';
import { heardOn, logInTimeouts, LogInWatch, type Stream } from './log-in-watch.js';
import { troubleOf } from './trouble.js';
import type { LogIn, MonitorClient, MonitorParts } from './monitor-parts.js';
import type { LogInTurn } from './own-side.js';
import { Pace } from './pace.js';
import { Questions, type Row } from './questions.js';
import { SelfReport } from './self-report.js';
import { readWaiting, waitingSql } from './waiting.js';
import { readWhereabouts, whereaboutsSql } from './whereabouts.js';

/** A session that ends within this time, ms, was no good; the fourth in a row is not followed by another at once. */
const quickMs = 1_000;
const quickEnds = 4;
/** Over all members, ms: between two first attempts or two repeated ones. */
const attemptsEveryMs = 10;
const timedOut = { kind: 'timed-out' } as const;

/**
 * One session per member that carries the proof of its role. It neither keeps the process alive nor outlives a question
 * that is not answered in time.
 */
export class PostgresMonitors implements Monitors {
  constructor(private readonly parts: MonitorParts) {}

  readonly #pace = new Pace(attemptsEveryMs);

  start(target: Target, report: (report: Report) => void): Monitor {
    return new MemberMonitor(target, report, this.parts, this.#pace);
  }
}

type Phase = 'waiting' | 'connecting' | 'asking' | 'resting';

class MemberMonitor implements Monitor {
  #phase: Phase = 'waiting';
  #client: MonitorClient | undefined;
  #questions: Questions | undefined;
  #turn: LogInTurn | undefined;
  #self: SelfReport | undefined;
  /** Whether this session has said what the member is. */
  #proved = false;
  #reported: Role | null = null;
  #connectedAtMs = -Infinity;
  /** How many sessions in a row have ended soon after they were made. */
  #quickEnds = 0;
  /** No attempt before this, whoever asks. */
  #notBeforeMs = -Infinity;
  #timer: Timer | undefined;
  #stopped = false;
  #downSinceMs: number | undefined;
  /** A member that was fine a moment ago gets a short deadline for accepting a connection. */
  #suspect = false;
  #askAgain = false;
  #whereabouts: Whereabouts | null = null;

  constructor(
    readonly target: Target,
    private readonly report: (report: Report) => void,
    private readonly parts: MonitorParts,
    private readonly pace: Pace,
  ) {
    // Not in the constructor's caller's way: it may be in the middle of deciding.
    this.#in(this.#turnMs(), () => this.#connect());
  }

  /** How long to wait for a turn among all members that are being tried. */
  #turnMs(): number {
    return this.pace.delayMs(this.parts.clock.nowMs());
  }

  probe(): void {
    if (this.#stopped) return;
    if (this.#phase === 'resting') this.#in(0, () => this.#ask(this.#self!));
    else if (this.#phase === 'waiting')
      this.#in(
        Math.max(this.#notBeforeMs - this.parts.clock.nowMs(), this.#suspect ? 0 : this.#turnMs()),
        () => this.#connect(),
      );
    else this.#askAgain = true;
  }

  get whereabouts(): Whereabouts | null {
    return this.#whereabouts;
  }

  async askWhereabouts(): Promise<Whereabouts | null> {
    const row = await this.#beside(whereaboutsSql);
    return row && (this.#whereabouts = readWhereabouts(row, this.#self?.systemId ?? null));
  }

  async askWaiting(pids: readonly number[]): Promise<readonly number[] | null> {
    const row = await this.#beside(waitingSql(pids));
    return row && readWaiting(row);
  }

  /** The answer to a question that is put beside the heartbeats. */
  async #beside(sql: string): Promise<Row | null> {
    const questions = this.#phase === 'connecting' ? undefined : this.#questions;
    const row = await questions?.row(sql);
    return (this.#questions === questions && row) || null;
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#drop();
  }

  #connect(): void {
    const { timings } = this.parts;
    this.#phase = 'connecting';
    this.#askAgain = false;
    const logIn = this.#make();
    if (!logIn) return;
    const { client, turn } = logIn;
    this.#client = client;
    this.#turn = turn;
    const ended = (error?: Error) => {
      if (this.#client === client) this.#ended(error ?? new Error('the server closed the connection'));
    };
    client.on('error', ended);
    client.on('end', () => ended());
    const { stream } = client.connection;
    // Who proved itself a moment ago is not believed for as long as a look-up or a stream may take.
    if (this.#suspect) this.#deadline(timings.heartbeatTimeoutMs * logInTimeouts, client);
    else this.#timer?.cancel();
    const acceptMs = this.#suspect ? timings.heartbeatTimeoutMs / 3 : timings.heartbeatTimeoutMs;
    stream.once('connectionAttempt', () => {
      if (this.#client === client) this.#deadline(acceptMs, client);
    });
    stream.once('connect', () => {
      if (this.#client === client) this.#watchLogIn(client, stream, turn);
    });
    this.#reported = null;
    client.connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName !== 'in_hot_standby' || this.#client !== client) return;
      this.#reported = message.parameterValue === 'on' ? 'replica' : 'primary';
      if (this.#phase !== 'connecting') this.probe();
    });
    client.connect((error) => {
      if (this.#client !== client) return;
      if (error) return this.#failed(error);
      turn.over();
      this.#talk(client);
    });
    stream.unref?.();
  }

  /** pg reads the files of certificates then, and they may be gone: no reason to end the process from a timer. */
  #make(): LogIn | undefined {
    try {
      const logIn: LogIn = this.parts.logIn(this.target, (error) => {
        if (this.#client === logIn.client) this.#failed(error);
      });
      return logIn;
    } catch (error) {
      this.#failed(asError(error));
      return undefined;
    }
  }

  #talk(client: MonitorClient): void {
    const { target } = this;
    const { clock, random } = this.parts;
    const questions = new Questions(client);
    this.#questions = questions;
    this.#connectedAtMs = clock.nowMs();
    const reported = () => this.#reported;
    this.#proved = false;
    this.#self = new SelfReport({ questions, target, clock, random, reported });
    this.#ask(this.#self);
  }

  #ask(self: SelfReport): void {
    const client = this.#client!;
    this.#phase = 'asking';
    this.#askAgain = false;
    const going = () => {
      if (this.#self === self) this.#watchForSilence(client);
    };
    self.ask(going, (error, heartbeat) => {
      if (this.#self !== self) return;
      if (error) return this.#ended(error);
      this.#proved = true;
      this.#suspect = false;
      this.#downSinceMs = undefined;
      this.#phase = 'resting';
      this.#in(this.#askAgain ? 0 : this.parts.restMs(), () => this.#ask(self));
      this.report(heartbeat!);
    });
  }

  /**
   * The verdict on a heartbeat: silence only counts while nothing else arrives from that server either. A server busy
   * answering others is slow, not dead. Asked in two steps, so that what arrived just before it froze does not count.
   */
  #watchForSilence(client: MonitorClient): void {
    const halfMs = this.parts.timings.heartbeatTimeoutMs / 2;
    const wait = () =>
      this.#due(halfMs, () => {
        const before = this.parts.bytesReadFrom(this.target);
        this.#due(halfMs, () =>
          this.#verdict(client, () => {
            if (this.parts.bytesReadFrom(this.target) > before) wait();
            else this.#failed(timedOutError(this.target));
          }),
        );
      });
    wait();
  }

  #watchLogIn(client: MonitorClient, stream: Stream, turn: LogInTurn): void {
    const watch = new LogInWatch(heardOn(client, stream));
    const wait = () =>
      this.#due(this.parts.timings.heartbeatTimeoutMs / 2, () =>
        this.#verdict(client, () => {
          if (watch.look(turn.ours) === 'going on') wait();
          else this.#failed(timedOutError(this.target));
        }),
      );
    wait();
  }

  #deadline(delayMs: number, client: MonitorClient): void {
    this.#due(delayMs, () => this.#verdict(client, () => this.#failed(timedOutError(this.target))));
  }

  /** One turn of the event loop first: if this process was busy, the answer is waiting in the socket. */
  #verdict(client: MonitorClient, condemn: () => void): void {
    const timer = this.#timer;
    nextTurn(() => {
      if (this.#client === client && this.#timer === timer && !this.#stopped) condemn();
    });
  }

  /** The session that carried the proof is over. A fresh attempt decides what that means. */
  #ended(error: Error): void {
    const { kind } = troubleOf(error);
    if (this.#phase === 'connecting' || kind === 'crashed') return this.#failed(error);
    // It answers, and does not even say what it is.
    if (kind === 'rejected' && !this.#proved) return this.#failed(error);
    const { clock, random, timings } = this.parts;
    this.#quickEnds = clock.nowMs() - this.#connectedAtMs < quickMs ? this.#quickEnds + 1 : 0;
    this.#drop();
    this.#phase = 'waiting';
    this.#suspect = true;
    const again = { baseMs: timings.reconnectMs, maxMs: timings.reconnectSlowMs };
    const delayMs = this.#quickEnds < quickEnds ? 0 : backoffMs(this.#quickEnds - quickEnds, again, random);
    this.#notBeforeMs = clock.nowMs() + delayMs;
    this.#in(delayMs, () => this.#connect());
    this.report({ type: 'lost', target: this.target, by: 'monitor' });
  }

  #failed(error: Error): void {
    this.#drop();
    const { timings, clock, random } = this.parts;
    const trouble = error instanceof Silence ? timedOut : troubleOf(error);
    const nowMs = clock.nowMs();
    this.#downSinceMs ??= nowMs;
    this.#suspect = false;
    const slow = trouble.kind === 'rejected' || nowMs - this.#downSinceMs > timings.reconnectPatienceMs;
    const baseMs = slow ? timings.reconnectSlowMs : timings.reconnectMs;
    this.#phase = 'waiting';
    this.#notBeforeMs = nowMs + baseMs / 2;
    this.#in(baseMs * (0.5 + 0.5 * random()), () => this.#in(this.#turnMs(), () => this.#connect()));
    if (trouble.kind === 'rejected') this.parts.onRefused(this.target, error);
    this.report({ type: 'failed', target: this.target, trouble, by: 'monitor' });
  }

  #drop(): void {
    const client = this.#client;
    this.#client = undefined;
    this.#questions = undefined;
    this.#self = undefined;
    this.#turn?.over();
    this.#whereabouts = null;
    client?.connection.stream.destroy();
  }

  /** Whatever was waited for before, this is waited for now. */
  #in(delayMs: number, fn: () => void, clock: Clock = this.parts.clock): void {
    this.#timer?.cancel();
    if (!this.#stopped) this.#timer = clock.after(Math.max(0, delayMs), fn, { ref: false });
  }

  /** The same for what is due from the other side. */
  #due(delayMs: number, fn: () => void): void {
    this.#in(delayMs, fn, this.parts.awake);
  }
}

class Silence extends Error {}

const timedOutError = (target: Target) => new Silence(`${target.host} did not answer in time`);
