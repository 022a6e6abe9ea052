/**
 * Whether running the same thing again is harmless.
 *
 * - `safe`: nothing was executed.
 * - `unknown`: it may have been executed.
 * - `unsafe`: it was executed. No error of hotspare says so: what it knows to have been executed, it reports as done. The
 *   value is for errors of an app's own, so that one `switch` covers both.
 *
 * @category Errors
 */
export type Retry = 'safe' | 'unsafe' | 'unknown';

/** The same symbol in every copy of the library. */
const brand = Symbol.for('hotspare.error');

/** Bundlers that minify give classes other names. */
const named = (Class: object, name: string) =>
  Object.defineProperty(Class, 'name', { value: name, configurable: true });

/**
 * What hotspare itself has to say about a query. Looks like an error of Postgres: `code` is an SQLSTATE. Abstract: what is
 * thrown is one of its subclasses. Errors of Postgres itself arrive untouched and are none of these.
 *
 * @category Errors
 */
export abstract class HotspareError extends Error {
  /** An SQLSTATE of five characters, the same for all errors of a class. */
  abstract readonly code: string;
  /** Whether running the same thing again is harmless. */
  abstract readonly retry: Retry;
  /** `ERROR`: the session goes on. `FATAL`: there is none, or it has ended. */
  readonly severity: string = 'ERROR';

  /** @internal */
  get [brand](): true {
    return true;
  }

  /**
   * For hotspare itself, and for tests of an app that handles it.
   *
   * @param message - A sentence for people; names members, never passwords.
   * @param cause - The error beneath, kept as `cause`; left out when there was none.
   * @internal
   */
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/**
 * A write while there is no primary to write to, or on a session that only reads. Nothing was changed. `cause` is the
 * answer of Postgres (25006), if a statement was sent.
 *
 * @category Errors
 */
export class ReadOnlyError extends HotspareError {
  static {
    named(this, 'ReadOnlyError');
  }
  /** SQLSTATE `read_only_sql_transaction`. */
  readonly code = '25006';
  /** Nothing was executed. */
  readonly retry = 'safe';
}

/**
 * No member could be reached in time. Nothing was sent. `cause` is the last thing a member said, if any did.
 *
 * @category Errors
 */
export class DownError extends HotspareError {
  static {
    named(this, 'DownError');
  }
  /** SQLSTATE `cannot_connect_now`. */
  readonly code = '57P03';
  override readonly severity = 'FATAL';
  /** Nothing was executed. */
  readonly retry = 'safe';
}

/**
 * The connection ended before this statement was sent, or while it was only reading. `cause` is the error of the
 * connection.
 *
 * @category Errors
 */
export class ConnectionLostError extends HotspareError {
  static {
    named(this, 'ConnectionLostError');
  }
  /** SQLSTATE `connection_failure`. */
  readonly code = '08006';
  override readonly severity = 'FATAL';
  /** This statement was not executed, or changed nothing. */
  readonly retry = 'safe';
}

/**
 * The connection ended after the statement was sent: it may or may not have been executed. `cause` is the error of the
 * connection.
 *
 * @category Errors
 */
export class OutcomeUnknownError extends HotspareError {
  static {
    named(this, 'OutcomeUnknownError');
  }
  /** SQLSTATE `transaction_resolution_unknown`. */
  readonly code = '08007';
  override readonly severity = 'FATAL';
  /** It may have been executed. */
  readonly retry = 'unknown';
}

/**
 * {@link Pool.waitForMode} ran out of time.
 *
 * @category Errors
 */
export class ModeTimeoutError extends HotspareError {
  static {
    named(this, 'ModeTimeoutError');
  }
  /** SQLSTATE `query_canceled`. */
  readonly code = '57014';
  /** Nothing was executed. */
  readonly retry = 'safe';
}

/**
 * Whether an error is one of hotspare's own, also when another copy of the library made it: two bundles, a monorepo, a second
 * version. `instanceof` knows only the classes of its own copy. Which one it is, say `name` and `code`; both are the same
 * in every copy, minified or not.
 *
 * @param error - Anything that was thrown.
 * @category Errors
 */
export function isHotspareError(error: unknown): error is HotspareError {
  return typeof error === 'object' && error !== null && (error as { [brand]?: unknown })[brand] === true;
}
