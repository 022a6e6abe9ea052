import { codeOf } from '../../common/errors.js';
import { networkTroubleOf } from '../../common/network-error.js';
import { DatabaseUnavailable, type UnavailableKind } from '../database.js';

const kinds: Readonly<Record<string, UnavailableKind>> = {
  // The library's ReadOnlyError, DownError and OutcomeUnknownError carry these.
  '25006': 'read-only',
  '57P03': 'down',
  '08007': 'outcome-unknown',
  // Its ConnectionLostError: nothing was executed.
  '08006': 'down',
  // No table, no schema: not migrated yet.
  '42P01': 'not-ready',
  '3F000': 'not-ready',
};

const sentences: Readonly<Record<UnavailableKind, string>> = {
  'read-only': 'The primary database cannot be reached, so nothing can be changed now; reading goes on.',
  down: 'Neither the primary database nor its hot spare can be reached.',
  'not-ready': 'The database has not been prepared for this app yet; that happens as soon as it is writable.',
  'outcome-unknown':
    'The connection was lost before the database confirmed; the change may have been stored. Repeating the request is safe.',
};

/** Turns what passes by itself into `DatabaseUnavailable`; anything else is a fault and comes back as it is. */
export function failureOf(error: unknown): unknown {
  const kind = kinds[codeOf(error) ?? ''] ?? (wasNotReached(error) ? 'down' : undefined);
  return kind === undefined ? error : new DatabaseUnavailable(kind, sentences[kind], { cause: error });
}

/** A plain connection, without discovery, says it in the system's words. One that broke may have carried the statement. */
function wasNotReached(error: unknown): boolean {
  const trouble = networkTroubleOf(error);
  return trouble === 'refused' || trouble === 'unreachable';
}

/** Whether the statement may be given again: nothing was executed, or executing it twice does no harm. */
export function mayRepeat(error: unknown, reading: boolean): boolean {
  const code = codeOf(error);
  return code === '08006' || (reading && code === '08007');
}
