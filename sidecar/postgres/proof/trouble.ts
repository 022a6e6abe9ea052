import { assertNever } from '../../../common/assert-never.js';
import { codeOf, messageOf } from '../../../common/errors.js';
import { networkTroubleOf } from '../../../common/network-error.js';
import type { Trouble } from '../../core/model.js';
import { HeldUpError } from './own-side.js';

/** pg's own, without a code; the last for a question that is put to a session which has just ended. */
const closedWords = [
  'Connection terminated',
  'the server closed',
  'Client has encountered a connection error',
];

/** What a failed connection attempt says about the server. */
export function troubleOf(error: unknown): Trouble {
  if (error instanceof HeldUpError) return { kind: 'held-up' };
  const code = codeOf(error);
  const trouble = networkTroubleOf(error);
  switch (trouble) {
    case 'refused':
    case 'unreachable':
    case 'closed':
      return { kind: trouble };
    case 'silent':
      return { kind: 'timed-out' };
    case 'own-side':
      return { kind: 'own-side', code: code! };
    case 'garbage':
    case undefined:
      break;
    default:
      return assertNever(trouble);
  }
  if (code === '57P01' && postmasterDied(error)) return { kind: 'crashed' };
  // Class 57P: starting up, shutting down, terminated.
  if (code?.startsWith('57P')) return { kind: 'not-ready' };
  const message = messageOf(error);
  // A pooler without a server says it so; what it does not take of us, in the same code.
  if (code === '08P01' && !message.includes('startup parameter')) return { kind: 'not-ready' };
  if (message === 'timeout expired') return { kind: 'timed-out' };
  if (closedWords.some((words) => message.startsWith(words))) return { kind: 'closed' };
  // An SQLSTATE, a certificate that is not accepted, a password that is no string: waiting will not mend it.
  return { kind: 'rejected', code: code ?? null };
}

/**
 * A backend that finds its postmaster dead says 57P01 like one that was told to end. The source file in the message tells
 * them apart, in every language; when it does not, a fresh connection attempt will, some milliseconds later.
 */
function postmasterDied(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'file' in error && error.file === 'be-secure.c';
}

/** The server ended the session with these words: the socket closes next. */
export function isFatal(error: unknown): boolean {
  if (typeof error !== 'object' || error === null || !('severity' in error)) return false;
  return error.severity === 'FATAL' || error.severity === 'PANIC';
}
