import { codeOf } from '../../../../common/errors.js';
import { systemIdSql } from '../../../../common/postgres/position.js';
import type { Session } from '../session/session.js';

/** Which database it is. A server that hides it is well all the same. */
export async function identity(session: Session): Promise<{ systemId?: string }> {
  try {
    const row = await session.row(systemIdSql);
    return { systemId: String(row['id']) };
  } catch (error) {
    if (codeOf(error) === '42501') return {};
    throw error;
  }
}
