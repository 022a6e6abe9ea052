import { DeadlineError, withDeadline, type Clock, type Timer } from '../../../common/clock.js';
import type { Random } from '../../../common/random.js';
import type { Obstacle, PostgresFacts, ProbeReading, ProbeResult, Warning } from '../../core/model.js';
import type { Driver } from '../../ports.js';
import type { Surroundings } from '../kind.js';
import { Beat } from './session/beat.js';
import type { PostgresServiceConfig } from './config.js';
import { DiskProbe, type FreeSpace } from './disk.js';
import { HeldSession } from './session/held.js';
import { judgePostgresError } from './judge.js';
import { knock } from './session/knock.js';
import { look } from './look/look.js';
import { Session, type Login } from './session/session.js';

/** So large a share of a probe's deadline may a knock owe an answer. */
const silenceShare = 0.5;
/**
 * From an answer, of a knock or a log-in, to the next knock, in ms. A server that hangs, or its postmaster alone, is critical after
 * this, the silence and half a deadline: 1.4 s.
 */
const knockEveryMs = 500;
/** How often a log-in is tried while all is well, in ms: it costs both sides several times what a question on the held session does. */
const logInEveryMs = 5_000;
/** What became of a knock is not waited for any longer, in ms. */
const knockGiveUpMs = 5_000;

export interface PostgresDriverOptions {
  readonly box: string;
  readonly login: Login;
  readonly timeoutMs: number;
  /** Where the data is, for the free-space figure; absent: not read. */
  readonly dataDir?: string;
  readonly minFreeBytes: number;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * One query, and on a primary one write: while all is well over the session that is held, with a log-in from time to time, and else
 * by a log-in each time. Between two probes the held session tells of a crash at once, and knocks tell of a server, or of its
 * postmaster alone, that hangs (it takes no new connection while old sessions still answer).
 */
export class PostgresDriver implements Driver {
  private readonly held: HeldSession;
  private readonly disk: DiskProbe | undefined;
  private alarm: (seen?: ProbeReading) => void = () => {};
  /** Leaves the probe under way no more than half its deadline from now. */
  private cutShort: (() => void) | undefined;
  private readonly silenceMs: number;
  /** While probes are answered. */
  private knocks: Beat | undefined;
  /** A silence was told of that no probe has confirmed yet. */
  private suspected = false;
  /** What the last log-in saw, and when it began, by the clock, if nothing was amiss then and since. */
  private well: { readonly facts: PostgresFacts; readonly atMs: number } | undefined;
  private closed = false;

  constructor(private readonly options: PostgresDriverOptions) {
    const { login, clock, random, timeoutMs, dataDir } = options;
    this.silenceMs = Math.round(timeoutMs * silenceShare);
    this.held = new HeldSession({
      login,
      clock,
      random,
      deadlineMs: timeoutMs,
      onLost: () => this.alarm(),
    });
    this.disk = dataDir === undefined ? undefined : new DiskProbe(dataDir, clock, timeoutMs);
  }

  static of(service: PostgresServiceConfig, around: Surroundings): PostgresDriver {
    const { address, port, dataDir, minFreeBytes, probe } = service;
    const { user, database, ssl, timeoutMs } = probe;
    const { box, clock, random, keptPassword, keptTls } = around;
    const password = keptPassword(probe.passwordFile, probe.password);
    return new PostgresDriver({
      box,
      login: { address, port, user, password, database, ...(ssl && { ssl: keptTls(ssl) }) },
      timeoutMs,
      ...(dataDir === undefined ? {} : { dataDir }),
      minFreeBytes,
      clock,
      random,
    });
  }

  onAlarm(listener: (seen?: ProbeReading) => void): void {
    this.alarm = listener;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.stopKnocking();
    this.held.close();
  }

  async probe(deadlineShare = 1, mayWrite = true): Promise<ProbeResult> {
    const space = this.disk?.read();
    const timeoutMs = Math.round(this.options.timeoutMs * deadlineShare);
    const isCalm = deadlineShare === 1 && !this.suspected && !this.knocks?.isMissing;
    const seen = isCalm ? await this.probeHeld(timeoutMs, mayWrite) : undefined;
    // An old session that answers says nothing of a postmaster that was silent meanwhile.
    const isDoubted = seen?.kind === 'passing' && (this.suspected || this.knocks?.isMissing === true);
    const isFresh = seen === undefined || isDoubted;
    const result = isFresh
      ? await this.probeFresh(isDoubted ? Math.round(timeoutMs / 2) : timeoutMs, mayWrite)
      : seen;
    this.suspected = false;
    // A knock may have been lost on the way.
    if (result.kind !== 'passing' || this.knocks?.isMissing) this.stopKnocking();
    if (result.kind === 'passing') {
      void this.held.ensure();
      this.goOnKnocking(isFresh);
      return { kind: 'passing', facts: withSpace(result.facts as PostgresFacts, await space, this.options) };
    }
    if (result.kind === 'unknown' && result.obstacle.kind === 'slots-full') {
      const facts = await this.throughHeld(mayWrite);
      if (facts) return { kind: 'passing', facts: withSpace(facts, await space, this.options) };
    }
    if (result.kind === 'unknown' && (await this.hasNewSecrets(result.obstacle))) this.alarm();
    return result;
  }

  /** Without a log-in, as long as nothing is amiss. Undefined: a log-in is due, or has to tell what is. */
  private async probeHeld(timeoutMs: number, mayWrite: boolean): Promise<ProbeResult | undefined> {
    const { box, clock } = this.options;
    const { well } = this;
    const startedMs = clock.nowMs();
    if (!well || startedMs - well.atMs >= logInEveryMs) return undefined;
    const seen = await this.bounded(timeoutMs, (cut) =>
      this.held.use((session) => look(session, box, mayWrite), timeoutMs, cut),
    );
    if (seen.kind === 'done' && isLike(seen.value, well.facts)) return { kind: 'passing', facts: seen.value };
    this.well = undefined;
    if (seen.kind !== 'late') return undefined;
    const timing = { tookMs: clock.nowMs() - startedMs, deadlineMs: timeoutMs };
    return judgePostgresError(new DeadlineError('probe', timeoutMs), timing);
  }

  /** What the server refused may have been replaced in its file: then the next probe is due at once. */
  private async hasNewSecrets(obstacle: Obstacle): Promise<boolean> {
    if (obstacle.kind !== 'login-refused' && obstacle.kind !== 'tls-refused') return false;
    const { password, ssl } = this.options.login;
    const read = await Promise.all([password.reread(), ssl?.reread() ?? false]);
    return read.includes(true);
  }

  private async probeFresh(timeoutMs: number, mayWrite: boolean): Promise<ProbeResult> {
    const { box, clock, login } = this.options;
    const startedMs = clock.nowMs();
    const session = new Session(login, clock, {
      // A probe must not outlive its asker on the server; a lock that others hold is told from a server that hangs.
      statement_timeout: timeoutMs,
      lock_timeout: Math.floor(timeoutMs / 2),
    });
    this.well = undefined;
    try {
      const facts = await this.bounded(timeoutMs, (cut) =>
        withDeadline(
          clock,
          timeoutMs,
          'probe',
          async (signal) => {
            await session.open(signal);
            return look(session, box, mayWrite);
          },
          cut,
        ),
      );
      session.close();
      if (facts.warnings.length === 0) this.well = { facts, atMs: startedMs };
      return { kind: 'passing', facts };
    } catch (error) {
      session.destroy();
      return judgePostgresError(error, { tookMs: clock.nowMs() - startedMs, deadlineMs: timeoutMs });
    }
  }

  /** `work` can be left no more than half that time from some moment on. */
  private async bounded<T>(timeoutMs: number, work: (cut: AbortSignal) => Promise<T>): Promise<T> {
    const { clock } = this.options;
    const cut = new AbortController();
    let cutting: Timer | undefined;
    this.cutShort = () =>
      (cutting ??= clock.after(timeoutMs / 2, () => cut.abort(new DeadlineError('probe', timeoutMs))));
    try {
      return await work(cut.signal);
    } finally {
      this.cutShort = undefined;
      cutting?.cancel();
    }
  }

  /** No slot is left for a fresh connection: the session held since before still shows role and position. */
  private async throughHeld(mayWrite: boolean): Promise<PostgresFacts | undefined> {
    const { box, timeoutMs } = this.options;
    const seen = await this.held.use((session) => look(session, box, mayWrite), timeoutMs);
    if (seen.kind !== 'done') return undefined;
    return { ...seen.value, warnings: [...seen.value.warnings, { kind: 'slots-full' }] };
  }

  /** `isAnswered`: a log-in has just asked the same. */
  private goOnKnocking(isAnswered: boolean): void {
    if (this.closed) return;
    const { clock, login } = this.options;
    this.knocks ??= new Beat({
      clock,
      everyMs: knockEveryMs,
      deadlineMs: this.silenceMs,
      ask: () => knock(login, clock, knockGiveUpMs),
      onMissed: () => this.silent(),
    });
    if (isAnswered) this.knocks.postpone();
  }

  private stopKnocking(): void {
    this.knocks?.stop();
    this.knocks = undefined;
  }

  /** An answer is owed: a first miss, which a probe is to confirm; one under way has half its time left for it. */
  private silent(): void {
    if (this.suspected) return;
    this.suspected = true;
    this.cutShort?.();
    this.alarm({
      askedMs: this.options.clock.nowMs() - this.silenceMs,
      result: { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: this.silenceMs } },
    });
  }
}

/** Nothing is amiss, and it is what it was: what a session sees that was opened before that. */
const isLike = (seen: PostgresFacts, before: PostgresFacts): boolean =>
  seen.warnings.length === 0 && seen.role === before.role && seen.timeline === before.timeline;

function withSpace(
  facts: PostgresFacts,
  space: FreeSpace | undefined,
  options: PostgresDriverOptions,
): PostgresFacts {
  const { dataDir, minFreeBytes } = options;
  if (space === undefined || dataDir === undefined) return facts;
  if (space === 'unread') {
    const warning: Warning = { kind: 'disk-unread', dataDir };
    return { ...facts, warnings: [...facts.warnings, warning] };
  }
  const { freeBytes } = space;
  if (freeBytes >= minFreeBytes) return { ...facts, freeBytes };
  return { ...facts, freeBytes, warnings: [...facts.warnings, { kind: 'disk-low', minFreeBytes }] };
}
