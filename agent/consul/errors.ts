import { codeOf, messageOf } from '../../common/errors.js';
import { DeadlineError } from '../../common/clock.js';
import { ConsulError } from '../ports.js';

/** The HTTP status of an error of the `consul` package, if Consul answered at all. */
export function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('response' in error)) return undefined;
  const { response } = error;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return undefined;
  return typeof response.statusCode === 'number' ? response.statusCode : undefined;
}

/** What a call does, and which right Consul wants for it, both as parts of a sentence. */
export interface Undertaking {
  /** Like `registering pg`. */
  readonly what: string;
  /** Like `service:write for pg`. */
  readonly right: string;
}

/** Any failure of a call as a sentence that says what to do. */
export function explain(
  error: unknown,
  { what, right }: Undertaking,
  options: { readonly url: string; readonly tokenFile?: string },
): ConsulError {
  if (error instanceof ConsulError) return error;
  const cause = { cause: error };
  const status = statusOf(error);
  if (status === 403) {
    const why = options.tokenFile
      ? whyRefused(options.tokenFile, right, bodyOf(error))
      : `it has access control on, and the configuration names no consul.tokenFile; put a token with ${right} into a file and name it there`;
    return new ConsulError('forbidden', `Consul at ${options.url} refused ${what}: ${why}`, cause);
  }
  if (status !== undefined) {
    const said = bodyOf(error) ?? `HTTP status ${status}`;
    return new ConsulError('failed', `Consul at ${options.url} failed ${what}: ${said}`, cause);
  }
  const why =
    error instanceof DeadlineError
      ? `no answer within ${error.deadlineMs} ms`
      : codeOf(error) === 'ECONNREFUSED'
        ? 'connection refused'
        : (codeOf(error) ?? messageOf(error));
  return new ConsulError('unreachable', `Consul at ${options.url} is not reachable (${why})`, cause);
}

function whyRefused(tokenFile: string, right: string, said: string | undefined): string {
  // Consul's words for a token it has never heard of, or no longer; any right would not help it.
  if (said?.includes('ACL not found'))
    return `it does not know the token in ${tokenFile}; put one there that it knows, with ${right}`;
  return `the token in ${tokenFile} may not do that; give it ${right}, or put another token there`;
}

function bodyOf(error: unknown): string | undefined {
  const body = (error as { response?: { body?: unknown } }).response?.body;
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : body;
  return typeof text === 'string' && text.trim() !== '' ? text.trim().slice(0, 200) : undefined;
}
