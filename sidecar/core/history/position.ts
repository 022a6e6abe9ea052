import type { Lsn } from '../../../common/postgres/lsn.js';
import { sameEpoch } from './epochs.js';

/** A place in the history of one database. Only places of the same epoch can be compared. */
export interface Position {
  readonly systemId: string;
  readonly timeline: number;
  readonly lsn: Lsn;
}

/** Whether a member that is at `at` shows everything up to `wanted`. */
export const includes = (at: Position | null, wanted: Position): boolean =>
  at !== null && sameEpoch(at, wanted) && at.lsn >= wanted.lsn;

/** Headers at the start of each page, and of each file, of the WAL. */
const header = { page: 24, file: 40 } as const;
const pageBytes = 8_192;

/**
 * Up to where records have been made, from where the next one will begin. At the start of a page the next one begins after
 * the page's header, which nobody replays before there is a record: to wait for that place would be to wait for nothing.
 *
 * A header taken for one where there is none (another page size) is harmless: no commit is as short as 24 bytes.
 */
export function endOfRecords(insertAt: Lsn, offsetInFile: number): Lsn {
  if (offsetInFile === header.file) return insertAt - BigInt(header.file);
  if (offsetInFile % pageBytes === header.page) return insertAt - BigInt(header.page);
  return insertAt;
}
