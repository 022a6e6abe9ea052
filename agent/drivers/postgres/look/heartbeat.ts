import { codeOf, messageOf } from '../../../../common/errors.js';
import type { Warning } from '../../../core/model.js';
import type { Session } from '../session/session.js';
import { isFromStorage } from '../storage.js';

const writeSql = `
  INSERT INTO hotspare.heartbeat AS h (box, beat) VALUES ($1, 1)
  ON CONFLICT (box) DO UPDATE SET beat = h.beat + 1`;

/** The write probe found that the primary cannot write. */
export class CannotWriteError extends Error {
  constructor(
    readonly sqlState: string,
    message: string,
  ) {
    super(message);
    this.name = 'CannotWriteError';
  }
}

/** Writes this box's heartbeat. Rejects when the member cannot write, or the look at it ended in the middle. */
export async function writeHeartbeat(session: Session, box: string): Promise<Warning[]> {
  try {
    await session.row(writeSql, [box]);
    return [];
  } catch (error) {
    const verdict = judgeWrite(error);
    switch (verdict) {
      case 'member':
        throw new CannotWriteError(codeOf(error)!, messageOf(error));
      case 'look':
        throw error;
      case 'locked':
        return [{ kind: 'heartbeat-locked' }];
      case 'table':
        return [{ kind: 'write-untested', why: messageOf(error).slice(0, 200) }];
    }
  }
}

/**
 * What a heartbeat that was not written is about: the `member`, which cannot write (no room, a file it cannot reach,
 * corruption, or it is read-only); the `look`, as the connection broke or was cancelled; or only the `table`, which
 * others may have locked, changed or forbidden while the app writes to its own.
 */
export function judgeWrite(error: unknown): 'member' | 'look' | 'locked' | 'table' {
  const code = codeOf(error) ?? '';
  if (!/^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) || /^(57|08)/.test(code)) return 'look';
  if (code === '55P03') return 'locked';
  return /^(53|58|XX)/.test(code) || code === '25006' || isFromStorage(error) ? 'member' : 'table';
}
