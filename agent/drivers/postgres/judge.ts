import { codeOf, isFault, messageOf } from '../../../common/errors.js';
import type { ProbeResult } from '../../core/model.js';
import { judgeError } from '../judge.js';
import { CannotWriteError } from './look/heartbeat.js';
import { isFromStorage } from './storage.js';

/** What a failed look at Postgres says about it. */
export function judgePostgresError(
  error: unknown,
  timing: { readonly tookMs: number; readonly deadlineMs: number },
): ProbeResult {
  if (isFault(error)) throw error;
  const text = messageOf(error).slice(0, 200);
  if (error instanceof CannotWriteError)
    return { kind: 'critical', trouble: { kind: 'cannot-write', sqlState: error.sqlState, text } };
  if (text.startsWith('Connection terminated')) return { kind: 'critical', trouble: { kind: 'closed' } };
  if (text.startsWith('received invalid response')) return { kind: 'critical', trouble: { kind: 'garbage' } };
  const code = codeOf(error) ?? '';
  if (text === 'There was an error establishing an SSL connection')
    return { kind: 'critical', trouble: { kind: 'garbage' } };
  if (isOfTls(code) || text === 'The server does not support SSL connections')
    return { kind: 'unknown', obstacle: { kind: 'tls-refused', text } };
  // Node's own codes (ECONNRESET, EPIPE) have another shape or begin with E, which no SQLSTATE class does.
  if (!/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code)) return judgeError(error, timing);
  const sqlState = code;
  switch (code) {
    case '57P03':
      return { kind: 'critical', trouble: { kind: 'not-accepting', text } };
    case '57P01':
    case '57P02':
      return { kind: 'critical', trouble: { kind: 'closed' } };
    // Cancelled by statement_timeout or lock_timeout, which are the probe's deadline on the server's side.
    case '57014':
    case '55P03':
      return { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: timing.deadlineMs } };
    case '53300':
      return { kind: 'unknown', obstacle: { kind: 'slots-full' } };
  }
  if (/^(58|XX)/.test(code) || isFromStorage(error))
    return { kind: 'critical', trouble: { kind: 'failing', sqlState, text } };
  if (/^(28|3D|42501)/.test(code))
    return { kind: 'unknown', obstacle: { kind: 'login-refused', sqlState, text } };
  return { kind: 'unknown', obstacle: { kind: 'query-refused', sqlState, text } };
}

/** Node's and OpenSSL's codes for a certificate or a handshake that one side does not accept. */
function isOfTls(code: string): boolean {
  return (
    code === 'EPROTO' ||
    /^(ERR_(TLS|SSL|OSSL)_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|CERT_|INVALID_CA|HOSTNAME_MISMATCH)/.test(code)
  );
}
