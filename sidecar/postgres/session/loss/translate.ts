import { assertNever } from '../../../../common/assert-never.js';
import { targetKey, type Role, type Target } from '../../../../common/names.js';
import {
  ConnectionLostError,
  OutcomeUnknownError,
  ReadOnlyError,
  type HotspareError,
} from '../../../errors.js';

/** What a session knows of itself when a statement on it fails. */
export interface Circumstances {
  readonly target: Target | null;
  readonly role: Role | null;
  /** A session of `pool.read`. */
  readonly readOnly: boolean;
  /** It has not been talked into more than reading. */
  readonly onlyReads: boolean;
  /** The app has asked for a replica, or for this very member. */
  readonly asChosen: boolean;
}

/** The connection ended after the statement was sent. */
export function interrupted({ target, onlyReads }: Circumstances, cause: Error): HotspareError {
  return onlyReads
    ? new ConnectionLostError(`the connection${to(target)} ended while reading: ${cause.message}`, cause)
    : new OutcomeUnknownError(
        `the connection${to(target)} ended after the statement was sent, so it may or may not have been executed: ${cause.message}`,
        cause,
      );
}

/** The server says that it is done, and that no standby has confirmed it. */
export function unacknowledged({ target }: Circumstances, remark: string): HotspareError {
  return new OutcomeUnknownError(
    `written${to(target)} alone, and lost if another member takes over: the wait for a standby was cancelled: ${remark}`,
  );
}

/** The connection ended with the statement still waiting for its turn. */
export function unsent({ target }: Circumstances, cause: Error): HotspareError {
  return new ConnectionLostError(`the connection${to(target)} ended before the statement was sent`, cause);
}

/** The connection had ended before. */
export function tooLate({ target }: Circumstances, cause: Error): HotspareError {
  return new ConnectionLostError(`the connection${to(target)} is closed; the statement was not sent`, cause);
}

/** The server answered 25006. */
export function writeRefused({ role, readOnly, asChosen }: Circumstances, cause: Error): HotspareError {
  if (readOnly) return new ReadOnlyError('pool.read only reads; use the pool itself to write', cause);
  switch (role) {
    case 'replica':
      return asChosen
        ? new ReadOnlyError('this session is on a replica, which only reads', cause)
        : new ReadOnlyError('the database is read-only now: no primary to write to', cause);
    case 'primary':
    case null:
      return new ReadOnlyError(`this transaction is read-only: ${cause.message}`, cause);
    default:
      return assertNever(role);
  }
}

function to(target: Target | null): string {
  return target ? ` to ${targetKey(target)}` : '';
}
