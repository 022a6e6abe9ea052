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

/** Any failure of a call as a sentence that says what to do. */
export function explain(
  error: unknown,
  what: string,
  options: { readonly url: string; readonly tokenFile?: string },
): ConsulError {
  if (error instanceof ConsulError) return error;
  const cause = { cause: error };
  const status = statusOf(error);
  if (status === 403) {
    const token = options.tokenFile
      ? `the token in ${options.tokenFile} may not do that; give it service:write for this service, or put another token there and restart the agent`
      : 'it has access control on, and the configuration names no consul.tokenFile';
    return new ConsulError('forbidden', `Consul at ${options.url} refused ${what}: ${token}`, cause);
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

function bodyOf(error: unknown): string | undefined {
  const body = (error as { response?: { body?: unknown } }).response?.body;
  const text = Buffer.isBuffer(body) ? body.toString('utf8') : body;
  return typeof text === 'string' && text.trim() !== '' ? text.trim().slice(0, 200) : undefined;
}
