/**
 * Whether running the same thing again is harmless.
 * `safe`: nothing was executed. `unknown`: it may have been.
 * `unsafe`: it was. No error of hotspare says so: what it knows to have been executed, it reports as done. The value is
 * for errors of an app's own, so that one `switch` covers both.
 */
export type Retry = 'safe' | 'unsafe' | 'unknown';

/** What hotspare itself has to say about a query. Looks like a Postgres error: `code` is an SQLSTATE. */
export abstract class HotspareError extends Error {
  abstract readonly code: string;
  abstract readonly retry: Retry;
  readonly severity: string = 'ERROR';

  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
  }
}

/** A write while there is no primary to write to, or on a session that only reads. Nothing was changed. */
export class ReadOnlyError extends HotspareError {
  readonly code = '25006';
  readonly retry = 'safe';
}

/** No member could be reached in time. Nothing was sent. `cause` is the last thing a member said, if any did. */
export class DownError extends HotspareError {
  readonly code = '57P03';
  override readonly severity = 'FATAL';
  readonly retry = 'safe';
}

/** The connection ended before this statement was sent, or while it was only reading. */
export class ConnectionLostError extends HotspareError {
  readonly code = '08006';
  override readonly severity = 'FATAL';
  readonly retry = 'safe';
}

/** The connection ended after the statement was sent: it may or may not have been executed. */
export class OutcomeUnknownError extends HotspareError {
  readonly code = '08007';
  override readonly severity = 'FATAL';
  readonly retry = 'unknown';
}

/** `waitForMode` ran out of time. */
export class ModeTimeoutError extends HotspareError {
  readonly code = '57014';
  readonly retry = 'safe';
}
