import { DeadlineError } from '../clock.js';
import { codeOf, messageOf } from '../errors.js';
import { networkTroubleOf, networkWords } from '../network-error.js';

/**
 * Why a question to Consul was not answered. Different values, because different things mend them:
 *
 * - `refused`: nothing listens there.
 * - `unreachable`: no connection, or it ended in the middle.
 * - `late`: nothing, or not all of it, within the deadline.
 * - `forbidden`: the token may not (HTTP 403).
 * - `failed`: it answered and said no, such as while there is no leader.
 * - `garbage`: what answers there is not Consul, or says more than Consul would.
 */
export type ConsulFailureKind = 'refused' | 'unreachable' | 'late' | 'forbidden' | 'failed' | 'garbage';

export class ConsulFailure extends Error {
  constructor(
    readonly kind: ConsulFailureKind,
    /** Part of a sentence, like `connection refused`. */
    message: string,
    /** The HTTP status, where there was one. */
    readonly status?: number,
    options?: { cause?: unknown },
  ) {
    super(message, options);
    this.name = 'ConsulFailure';
  }
}

/** What Consul said instead of an answer, cut to what fits into a sentence. */
export function refusal(status: number, body: string): ConsulFailure {
  const said = body.trim().slice(0, 200);
  return new ConsulFailure(
    status === 403 ? 'forbidden' : 'failed',
    said === '' ? `HTTP status ${status}` : said,
    status,
  );
}

/** Anything that a request may end with. */
export function failureOf(error: unknown): ConsulFailure {
  if (error instanceof ConsulFailure) return error;
  const cause = { cause: error };
  if (error instanceof DeadlineError)
    return new ConsulFailure('late', `no answer within ${error.deadlineMs} ms`, undefined, cause);
  const trouble = networkTroubleOf(error);
  const words = networkWords(error) ?? codeOf(error) ?? messageOf(error);
  if (trouble === 'refused') return new ConsulFailure('refused', words, undefined, cause);
  if (trouble === 'garbage')
    return new ConsulFailure('garbage', 'what answers there is not Consul', undefined, cause);
  return new ConsulFailure('unreachable', words, undefined, cause);
}

/** What `parse` gives. @throws ConsulFailure where it throws a TypeError: then the answer was not Consul's. */
export function fromConsul<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new ConsulFailure('garbage', 'what answers there is not Consul', undefined, { cause: error });
  }
}
