import { hidden, namesSecret, redacted } from './text/redact.js';

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
 * A configuration that was refused: thrown by the constructors, and by `readAfter`, `waitForMode` and `transaction` for what they are given. The message says where
 * it was set, which setting, what it is and what was expected. Passwords and tokens are left out of it, and of `value`:
 * what stands before the `@` of a URL, and whatever a key names so. It has neither `code` nor `retry`: trying again without
 * a change is no use.
 *
 * @category Errors
 */
export class ConfigError extends UserError {
  /** What it is; secrets are replaced by `***` or `(hidden)`. */
  readonly value: unknown;

  /**
   * For hotspare itself.
   * @internal
   */
  constructor(
    /** Where it was set: a file's name, `hotspare options`, `pool options` or `environment`. */
    readonly file: string,
    /** Which setting, as it is written there: `hotspare.dns`, `CONSUL_HTTP_ADDR`. */
    readonly key: string,
    value: unknown,
    /** What it should have been, in words. */
    readonly expected: string,
    /** What is wrong, as a sentence of its own in place of what was expected. */
    problem?: string,
  ) {
    const shown = namesSecret(key) && value !== undefined ? hidden : redacted(value);
    super(`${file}: ${key}${told(shown, problem, expected)}`, { exitCode: 2 });
    this.name = 'ConfigError';
    this.value = shown;
  }
}

function told(value: unknown, problem: string | undefined, expected: string): string {
  if (problem !== undefined)
    return value === undefined ? `: ${problem}` : ` is ${inWords(value)}: ${problem}`;
  return `${value === undefined ? ' is missing' : ` is ${inWords(value)}`}; expected ${expected}`;
}

const inWords = (value: unknown): string =>
  ['number', 'bigint', 'symbol'].includes(typeof value) ? String(value) : JSON.stringify(value);

/** What was thrown, where an Error is wanted. */
export const asError = (thrown: unknown): Error =>
  thrown instanceof Error ? thrown : new Error(messageOf(thrown));

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

/**
 * Whether it is a fault of a program's own logic rather than news of what the program deals with: an error of the language
 * itself, which no system call, server or parser of ours throws without a code. Whoever catches everything around I/O
 * passes these on, so that they end the program instead of passing for trouble with the other side.
 */
export function isFault(error: unknown): boolean {
  const isOfLanguage =
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError;
  return isOfLanguage && codeOf(error) === undefined && error.message !== 'fetch failed';
}
