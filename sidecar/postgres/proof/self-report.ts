import { backoffMs } from '../../../common/backoff.js';
import type { Clock } from '../../../common/clock.js';
import { codeOf, messageOf } from '../../../common/errors.js';
import type { Role, Target } from '../../../common/names.js';
import { place, systemIdSql } from '../../../common/postgres/position.js';
import type { Random } from '../../../common/random.js';
import type { Report } from '../../ports.js';
import { troubleOf } from './trouble.js';
import { heartbeatSql, readHeartbeat } from './heartbeat.js';
import type { Questions, Row } from './questions.js';

type Heartbeat = Report & { type: 'heartbeat' };

/** What was refused is asked for again after this, at random, ms: each refusal is a line in the server's log. */
const retry = { baseMs: 1_000, maxMs: 60_000 };

/** One question that a server may answer with an error and be well all the same. */
class Question {
  refusal: string | null = null;
  #failures = 0;
  #notBeforeMs = -Infinity;

  constructor(readonly sql: string) {}

  due(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs;
  }

  answered(): void {
    this.refusal = null;
    this.#failures = 0;
  }

  refused(error: unknown, nowMs: number, random: Random): void {
    this.refusal = `${codeOf(error) ?? 'error'}: ${messageOf(error)}`;
    this.#notBeforeMs = nowMs + backoffMs(this.#failures++, retry, random);
  }
}

export interface SelfReportParts {
  readonly questions: Questions;
  readonly target: Target;
  readonly clock: Clock;
  readonly random: Random;
  /** Its role as the server has reported it on this session without being asked; null: servers before 14. */
  readonly reported: () => Role | null;
}

/**
 * What a member says of itself, over one session. All in one answer; when that is refused (a right that was revoked, a
 * timeout, no memory), piece by piece, and what is refused then is left out.
 */
export class SelfReport {
  systemId: string | null = null;
  readonly #identity = new Question(systemIdSql);
  readonly #whole = new Question(heartbeatSql);
  readonly #recovery = new Question(`SELECT ${place.inRecovery}`);
  readonly #gate = new Question(`SELECT ${place.standbyNames}`);
  readonly #drained = new Question(`SELECT ${place.drained}`);
  readonly #pieces: Readonly<Record<Role, readonly (Question | null)[]>> = {
    primary: [
      new Question(`SELECT ${place.written}`),
      null,
      new Question(`SELECT ${place.writtenTimeline}`),
      null,
      this.#gate,
      this.#drained,
    ],
    replica: [
      new Question(`SELECT ${place.replayed}`),
      new Question(`SELECT ${place.received}`),
      null,
      new Question(`SELECT ${place.replayAgeMs}`),
      this.#gate,
      this.#drained,
    ],
  };

  constructor(private readonly parts: SelfReportParts) {}

  /**
   * `going` before each question: an answer is due from then on. `done` with an error: the session is over, or the member does
   * not even say what it is.
   */
  ask(going: () => void, done: (error: Error | undefined, heartbeat?: Heartbeat) => void): void {
    void this.#ask(going).then(
      (heartbeat) => done(undefined, heartbeat),
      (error: Error) => done(error),
    );
  }

  async #ask(going: () => void): Promise<Heartbeat> {
    if (this.systemId === null) this.systemId = (await this.#put(this.#identity, going))?.[0] ?? null;
    const whole = await this.#put(this.#whole, going);
    if (whole) return this.#heartbeat(whole, [this.#identity]);
    const role = await this.#role(going);
    const pieces: (string | null)[] = [];
    for (const piece of this.#pieces[role])
      pieces.push(piece && ((await this.#put(piece, going))?.[0] ?? null));
    const refused = [this.#identity, this.#recovery, ...this.#pieces[role]];
    return this.#heartbeat([role === 'replica' ? 't' : 'f', ...pieces], refused);
  }

  async #role(going: () => void): Promise<Role> {
    const answer = await this.#put(this.#recovery, going);
    if (answer) return answer[0] === 't' ? 'replica' : 'primary';
    const reported = this.parts.reported();
    if (reported === null) throw Object.assign(new Error(this.#recovery.refusal!), { code: '42501' });
    return reported;
  }

  #heartbeat(row: Row, asked: readonly (Question | null)[]): Heartbeat {
    const heartbeat = readHeartbeat(row, this.systemId, this.parts.target);
    return { ...heartbeat, withheld: asked.find((question) => question?.refusal)?.refusal ?? null };
  }

  /** Null: refused, now or a moment ago. */
  #put(question: Question, going: () => void): Promise<Row | null> {
    const { questions, clock, random } = this.parts;
    if (!question.due(clock.nowMs())) return Promise.resolve(null);
    going();
    return new Promise((resolve, reject) => {
      questions.put(question.sql, (error, row) => {
        if (!error) question.answered();
        else if (troubleOf(error).kind !== 'rejected') return reject(error);
        else question.refused(error, clock.nowMs(), random);
        resolve(error ? null : row);
      });
    });
  }
}
