/**
 * A problem a person can mend. The message is the whole sentence shown to them; commands print it without a
 * stack trace and end with `exitCode`.
 */
export class UserError extends Error {
  /** For a command that ends with it. 2 for a configuration. */
  readonly exitCode: number;
  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'UserError';
    this.exitCode = options.exitCode ?? 1;
  }
}

/**
 * A configuration that was refused: thrown by the constructors, and by `readAfter` for its own option. The message names all
 * four parts. It has neither `code` nor `retry`: trying again without a change is no use.
 *
 * @category Errors
 */
export class ConfigError extends UserError {
  /**
   * For hotspare itself.
   * @internal
   */
  constructor(
    /** Where it was set: a file's name, `hotspare options`, `pool options` or `environment`. */
    readonly file: string,
    /** Which setting, as it is written there: `hotspare.dns`, `CONSUL_HTTP_ADDR`. */
    readonly key: string,
    /** What it is. */
    readonly value: unknown,
    /** What it should have been, in words. */
    readonly expected: string,
  ) {
    const shown = value === undefined ? 'is missing' : `is ${JSON.stringify(value)}`;
    super(`${file}: ${key} ${shown}; expected ${expected}`, { exitCode: 2 });
    this.name = 'ConfigError';
  }
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.errors.length > 0)
    return error.errors.map(messageOf).join('; ');
  // What `fetch` says itself is never the reason.
  if (error instanceof TypeError && error.message === 'fetch failed' && error.cause)
    return messageOf(error.cause);
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** The `code` of a system or Postgres error, if it has one. */
export function codeOf(error: unknown): string | undefined {
  if (typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string')
    return error.code;
  return undefined;
}
