import { place } from '../../../common/postgres/position.js';
import { parseLsn } from '../../../common/postgres/lsn.js';
import { endOfRecords } from '../../core/history/position.js';
import type { Whereabouts } from '../../ports.js';

/**
 * Where a member is in its history, in one row. A primary: up to where records have been made. That includes every commit
 * it has acknowledged, the asynchronous ones too, which may not be written yet.
 */
export const whereaboutsSql = `SELECT r,
  CASE WHEN r THEN ${place.replayed} ELSE i END,
  CASE WHEN NOT r THEN (pg_catalog.pg_walfile_name_offset(i)).file_offset END,
  CASE WHEN r
    THEN ${place.replayedTimeline}
    ELSE ('x' OPERATOR(pg_catalog.||) ${place.timelineAt('i')})::bit(32)::bigint
  END
FROM (SELECT r, CASE WHEN NOT r THEN ${place.inserted} END AS i FROM ${place.inRecovery} AS r OFFSET 0) AS here`;

/** From the row of `whereaboutsSql` (an array of texts). */
export function readWhereabouts(row: readonly (string | null)[], systemId: string | null): Whereabouts {
  const [inRecovery, at = null, offset = null, timeline = null] = row;
  const role = inRecovery === 't' ? 'replica' : 'primary';
  if (systemId === null || at === null || timeline === null) return { role, position: null };
  const lsn = offset === null ? parseLsn(at) : endOfRecords(parseLsn(at), Number(offset));
  return { role, position: { systemId, timeline: Number(timeline), lsn } };
}
