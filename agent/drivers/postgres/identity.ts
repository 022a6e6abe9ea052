import { codeOf } from '../../../common/errors.js';
import type { Session } from './session.js';

/** Which database it is. A server that hides it is well all the same. */
export async function identity(session: Session): Promise<{ systemId?: string }> {
  try {
    const row = await session.row(
      'SELECT system_identifier::pg_catalog.text AS id FROM pg_catalog.pg_control_system()',
    );
    return { systemId: String(row['id']) };
  } catch (error) {
    if (codeOf(error) === '42501') return {};
    throw error;
  }
}
