import { parseLsn } from '../../../common/lsn.js';
import { endOfRecords } from '../../core/position.js';
import type { Whereabouts } from '../../ports.js';

/**
 * Where a member is in its history, in one row. A primary: up to where records have been made. That includes every commit
 * it has acknowledged, the asynchronous ones too, which may not be written yet.
 *
 * A replica cannot say which timeline it replays. What its control file says is late, never early: it was there. What it
 * receives it says at once, but only to roles with pg_read_all_stats. It never receives a timeline that branched off
 * before what it has replayed.
 */
export const whereaboutsSql = `SELECT r,
  CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() ELSE i END,
  CASE WHEN NOT r THEN (pg_catalog.pg_walfile_name_offset(i)).file_offset END,
  CASE WHEN r
    THEN greatest(
      (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
      (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()),
      (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver))
    ELSE ('x' OPERATOR(pg_catalog.||) pg_catalog.substr(pg_catalog.pg_walfile_name(i), 1, 8))::bit(32)::bigint
  END
FROM (
  SELECT r, CASE WHEN NOT r THEN pg_catalog.pg_current_wal_insert_lsn() END AS i
  FROM pg_catalog.pg_is_in_recovery() AS r OFFSET 0
) AS here`;

type Row = readonly [
  inRecovery: string,
  lsn: string | null,
  offsetInFile: string | null,
  timeline: string | null,
];

/** From the row of `whereaboutsSql` (an array of texts). */
export function readWhereabouts(row: Row, systemId: string | null): Whereabouts {
  const [inRecovery, at, offset, timeline] = row;
  const role = inRecovery === 't' ? 'replica' : 'primary';
  if (systemId === null || at === null || timeline === null) return { role, position: null };
  const lsn = offset === null ? parseLsn(at) : endOfRecords(parseLsn(at), Number(offset));
  return { role, position: { systemId, timeline: Number(timeline), lsn } };
}
