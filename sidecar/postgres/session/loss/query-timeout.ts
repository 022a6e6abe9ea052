import { activeStatement, newestStatement, type Statement } from '../pg-internals/statements.js';

/** How pg words a `query_timeout`; it has no code. */
const readTimeout = 'Query read timeout';

const isReadTimeout = (error: unknown) => error instanceof Error && error.message === readTimeout;

/**
 * After a `query_timeout` pg forgets the statement, but the server goes on with it: whatever is sent next on that session
 * waits behind it, for ever if the server is stuck. This knows whether a session is still busy with such a statement.
 */
export class Overdue {
  #statement: Statement | null = null;

  constructor(private readonly client: object) {}

  /** Whether it is busy with what nobody waits for any more. */
  get busy(): boolean {
    return this.#statement !== null && activeStatement(this.client) === this.#statement;
  }

  /** Runs a query that has a `query_timeout`, and hears of it before the caller does, whichever way that is told. */
  watch([query, ...rest]: readonly unknown[], run: (...given: unknown[]) => unknown): unknown {
    const watched = new Watched(this.client, (statement) => (this.#statement = statement));
    const result = run(query, ...rest.map((one) => watched.heard(one)));
    watched.watch(newestStatement(this.client));
    return result;
  }
}

class Watched {
  #statement: Statement | undefined;

  constructor(
    private readonly client: object,
    private readonly onOverdue: (statement: Statement) => void,
  ) {}

  /** A callback hears of a timeout at once. */
  heard(given: unknown): unknown {
    if (typeof given !== 'function') return given;
    return (error: unknown, ...rest: unknown[]) => {
      this.#note(error);
      Reflect.apply(given, undefined, [error, ...rest]);
    };
  }

  /** The statement itself hears of it in the next tick, before any promise is settled. */
  watch(statement: Statement | undefined): void {
    if (!statement) return;
    this.#statement = statement;
    const { handleError } = statement;
    statement.handleError = (error, connection) => {
      this.#note(error);
      handleError.call(statement, error, connection);
    };
  }

  #note(error: unknown): void {
    const statement = this.#statement;
    if (statement && isReadTimeout(error) && activeStatement(this.client) === statement)
      this.onOverdue(statement);
  }
}
