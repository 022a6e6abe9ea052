import { codeOf } from '../../../../common/errors.js';
import { systemIdSql } from '../../../../common/postgres/position.js';
import type { Session } from '../session/session.js';

const known = new WeakMap<Session, { readonly systemId: string }>();

/** Which database it is, asked once for each session. A server that hides it is well all the same. */
export async function identity(session: Session): Promise<{ systemId?: string }> {
  const before = known.get(session);
  if (before) return before;
  try {
    const row = await session.row(systemIdSql);
    const found = { systemId: String(row['id']) };
    known.set(session, found);
    return found;
  } catch (error) {
    if (codeOf(error) === '42501') return {};
    throw error;
  }
}
