import { DeadlineError } from '../common/clock.js';
import { codeOf, messageOf } from '../common/errors.js';
import { networkWords } from '../common/network-error.js';

/** Why a question to an agent got no answer that can be used. */
export function whyOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DeadlineError || (error instanceof Error && error.name === 'TimeoutError'))
    return `nothing came within ${timeoutMs} ms`;
  if (error instanceof SyntaxError || error instanceof TypeError) {
    // fetch hides the reason in its cause.
    const why = networkWords(error.cause) ?? codeOf(error.cause);
    if (why !== undefined) return why;
    if (!error.cause) return 'what answers there is something else';
  }
  return messageOf(error instanceof Error && error.cause ? error.cause : error);
}
