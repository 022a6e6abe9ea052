import { assertNever } from '../../common/assert-never.js';
import { failureOf, refusal, type ConsulFailure } from '../../common/consul/failure.js';
import { codeOf } from '../../common/errors.js';
import { ConsulError } from '../ports.js';

/** What any call ended with: one of our own reads, or one that the `consul` package made. */
export function asFailure(error: unknown): ConsulFailure {
  const { response } = (error ?? {}) as { response?: { statusCode?: unknown; body?: unknown } };
  if (typeof response?.statusCode !== 'number') return failureOf(error);
  const { body } = response;
  const said = Buffer.isBuffer(body) ? body.toString('utf8') : body;
  return refusal(response.statusCode, typeof said === 'string' ? said : '');
}

/** The connection ended when the call may have been on its way: what became of that is not known. */
const cutOff = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED']);

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
  const { kind, message, cause: origin } = asFailure(error);
  const cause = { cause: error };
  const at = `Consul at ${options.url}`;
  switch (kind) {
    case 'forbidden': {
      const why = options.tokenFile
        ? whyRefused(options.tokenFile, right, message)
        : `it has access control on, and the configuration names no consul.tokenFile; put a token with ${right} into a file and name it there`;
      return new ConsulError('forbidden', `${at} refused ${what}: ${why}`, cause);
    }
    case 'failed':
      return new ConsulError(kind, `${at} failed ${what}: ${message}`, cause);
    case 'late':
      return new ConsulError(kind, `${at} does not answer (${message})`, cause);
    case 'unreachable':
      if (cutOff.has(codeOf(origin) ?? ''))
        return new ConsulError('cut-off', `${at} closed the connection before it answered`, cause);
      return new ConsulError(kind, `${at} is not reachable (${message})`, cause);
    case 'refused':
    case 'garbage':
      return new ConsulError(kind, `${at} is not reachable (${message})`, cause);
    default:
      return assertNever(kind);
  }
}

function whyRefused(tokenFile: string, right: string, said: string): string {
  // Consul's words for a token it has never heard of, or no longer; any right would not help it.
  if (said.includes('ACL not found'))
    return `it does not know the token in ${tokenFile}; put one there that it knows, with ${right}`;
  return `the token in ${tokenFile} may not do that; give it ${right}, or put another token there`;
}
