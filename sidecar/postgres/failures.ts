import { codeOf } from '../../common/errors.js';
import type { Trouble } from '../core/model.js';

const unreachable = new Set([
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EHOSTDOWN',
  'ENETDOWN',
  'EADDRNOTAVAIL',
  'ENOTFOUND',
  'EAI_AGAIN',
]);
const sqlState = /^[0-9A-Z]{5}$/;

/** What a failed connection attempt says about the server. */
export function troubleOf(error: unknown): Trouble {
  const code = codeOf(error);
  if (code === 'ECONNREFUSED') return { kind: 'refused' };
  if (code === 'ETIMEDOUT') return { kind: 'timed-out' };
  if (code !== undefined && unreachable.has(code)) return { kind: 'unreachable' };
  // Class 57P: starting up, shutting down, terminated.
  if (code?.startsWith('57P')) return { kind: 'not-ready' };
  if (code !== undefined && sqlState.test(code)) return { kind: 'rejected', code };
  return { kind: 'closed' };
}

/** The server ended the session with these words: the socket closes next. */
export function isFatal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('severity' in error)) return false;
  return error.severity === 'FATAL' || error.severity === 'PANIC';
}
