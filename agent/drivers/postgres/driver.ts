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
 * From an answer, of a knock or a probe, to the next knock, in ms. A server that hangs, or its postmaster alone, is critical
 * after this, the silence and half a deadline: 1.4 s.
 */
const knockEveryMs = 400;
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
 * A fresh connection each time (a postmaster that hangs takes no new ones while old sessions still answer), one query,
 * and on a primary one write. Between two probes a held session tells of a crash at once, and knocks tell of a server, or
 * of its postmaster alone, that hangs: a knock costs the agent far less than a log-in.
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
    const result = await this.probeFresh(Math.round(this.options.timeoutMs * deadlineShare), mayWrite);
    this.suspected = false;
    // A knock may have been lost on the way.
    if (result.kind !== 'passing' || this.knocks?.isMissing) this.stopKnocking();
    if (result.kind === 'passing') {
      void this.held.ensure();
      this.goOnKnocking();
      return { kind: 'passing', facts: withSpace(result.facts as PostgresFacts, await space, this.options) };
    }
    if (result.kind === 'unknown' && result.obstacle.kind === 'slots-full') {
      const facts = await this.throughHeld(mayWrite);
      if (facts) return { kind: 'passing', facts: withSpace(facts, await space, this.options) };
    }
    if (result.kind === 'unknown' && (await this.hasNewSecrets(result.obstacle))) this.alarm();
    return result;
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
    const cut = new AbortController();
    let cutting: Timer | undefined;
    this.cutShort = () =>
      (cutting ??= clock.after(timeoutMs / 2, () => cut.abort(new DeadlineError('probe', timeoutMs))));
    try {
      const facts = await withDeadline(
        clock,
        timeoutMs,
        'probe',
        async (signal) => {
          await session.open(signal);
          return look(session, box, mayWrite);
        },
        cut.signal,
      );
      session.close();
      return { kind: 'passing', facts };
    } catch (error) {
      session.destroy();
      return judgePostgresError(error, { tookMs: clock.nowMs() - startedMs, deadlineMs: timeoutMs });
    } finally {
      this.cutShort = undefined;
      cutting?.cancel();
    }
  }

  /** No slot is left for a fresh connection: the session held since before still shows role and position. */
  private async throughHeld(mayWrite: boolean): Promise<PostgresFacts | undefined> {
    const facts = await this.held.use((session) => look(session, this.options.box, mayWrite));
    return facts && { ...facts, warnings: [...facts.warnings, { kind: 'slots-full' }] };
  }

  private goOnKnocking(): void {
    if (this.closed) return;
    const { clock, login } = this.options;
    this.knocks ??= new Beat({
      clock,
      everyMs: knockEveryMs,
      deadlineMs: this.silenceMs,
      ask: () => knock(login, clock, knockGiveUpMs),
      onMissed: () => this.silent(),
    });
    // A probe has just asked the same.
    this.knocks.postpone();
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
