import type { Clock } from '../../../../common/clock.js';

type Ask = (parameters?: Readonly<Record<string, unknown>>) => unknown;

interface Asking {
  readonly sinceMs: number;
  readonly answer: Promise<unknown>;
}

/**
 * The app's password function, asked once for all monitors that want the same at the same time. A function that takes no
 * parameter cannot tell members apart; for one that does, the same means the same host, port, user and database.
 */
export class SharedPasswords {
  readonly #asking = new Map<string, Asking>();
  #given: Ask | undefined;

  constructor(
    private readonly clock: Clock,
    /** A question that is older has been lost, ms. */
    private readonly patienceMs: number,
  ) {}

  of(given: Ask): Ask {
    if (given !== this.#given) this.#asking.clear();
    this.#given = given;
    return (parameters = {}) => {
      const { host, port, user, database } = parameters;
      const key = given.length === 0 ? '' : JSON.stringify([host, port, user, database]);
      const asking = this.#asking.get(key);
      if (asking && this.clock.nowMs() - asking.sinceMs < this.patienceMs) return asking.answer;
      return this.#ask(key, async () => given(parameters));
    };
  }

  #ask(key: string, ask: () => Promise<unknown>): Promise<unknown> {
    const asking: Asking = { sinceMs: this.clock.nowMs(), answer: ask() };
    this.#asking.set(key, asking);
    const done = () => {
      if (this.#asking.get(key) === asking) this.#asking.delete(key);
    };
    asking.answer.then(done, done);
    return asking.answer;
  }
}
