import type { Role } from '../names.js';
import { parseLsn, type Lsn } from './lsn.js';
import { parseTimeline } from './wal-file.js';

/**
 * What a member is asked about its place in the WAL. Every schema and operator is named: a search_path, of an app or of a
 * role, may put other functions first. Any role may call these, unless that right was revoked.
 */

/** Which database it is: the members of one service share it. It never changes. */
export const systemIdSql =
  'SELECT system_identifier::pg_catalog.text AS id FROM pg_catalog.pg_control_system()';

/** In the name of the file that holds a position the timeline comes first. Only a primary has such a name. */
const timelineAt = (lsn: string): string => `pg_catalog.substr(pg_catalog.pg_walfile_name(${lsn}), 1, 8)`;

const written = 'pg_catalog.pg_current_wal_lsn()';

export const place = {
  inRecovery: 'pg_catalog.pg_is_in_recovery()',
  replayed: 'pg_catalog.pg_last_wal_replay_lsn()',
  received: 'pg_catalog.pg_last_wal_receive_lsn()',
  written,
  flushed: 'pg_catalog.pg_current_wal_flush_lsn()',
  /** Up to where records have been made; some may not be written yet. */
  inserted: 'pg_catalog.pg_current_wal_insert_lsn()',
  /** Of a primary, as eight digits. What the control file says lags behind after a promotion. */
  writtenTimeline: timelineAt(written),
  timelineAt,
  /**
   * Of a replica, which cannot say which timeline it replays. What its control file says is late, never early. What it receives
   * it says at once, but only to roles with pg_read_all_stats. It never receives a timeline that branched off before what it
   * has replayed.
   */
  replayedTimeline: `greatest(
    (SELECT timeline_id FROM pg_catalog.pg_control_checkpoint()),
    (SELECT min_recovery_end_timeline FROM pg_catalog.pg_control_recovery()),
    (SELECT received_tli FROM pg_catalog.pg_stat_wal_receiver))`,
  /** Names the gate of a managed member, if it is closed or held. */
  standbyNames: "pg_catalog.current_setting('synchronous_standby_names')",
  /**
   * Whether new transactions only read because the server's files say so. What a role, a database or the start of a session
   * says comes before those, and is theirs alone.
   */
  drained: `(CASE WHEN pg_catalog.current_setting('default_transaction_read_only') OPERATOR(pg_catalog.=) 'on' THEN
    (SELECT s.source OPERATOR(pg_catalog.=) 'configuration file' FROM pg_catalog.pg_settings AS s
      WHERE s.name OPERATOR(pg_catalog.=) 'default_transaction_read_only')
    ELSE false END)`,
  /** How long ago what was replayed last was committed, in ms. */
  replayAgeMs: `(1000 OPERATOR(pg_catalog.*) pg_catalog.date_part('epoch',
    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.pg_last_xact_replay_timestamp()))::pg_catalog.int8`,
} as const;

/** The columns of every answer, in this order. */
const columns = [
  'r AS "inRecovery"',
  `CASE WHEN r THEN ${place.replayed} ELSE ${place.written} END AS lsn`,
  `CASE WHEN r THEN ${place.received} END AS "receivedLsn"`,
  `CASE WHEN NOT r THEN ${place.writtenTimeline} END AS timeline`,
] as const;

/**
 * Where a member is, in one row and one round trip. `more`: further columns, which may say `r` for "in recovery". `joined`: what
 * they need beside it.
 */
export function positionSql(more: readonly string[] = [], joined = ''): string {
  return `SELECT ${[...columns, ...more].join(',\n  ')}\nFROM ${place.inRecovery} AS r ${joined}`.trimEnd();
}

/** What a member said of its place. */
export interface Reported {
  readonly role: Role;
  /** Replayed, on a replica; written, on a primary. Null: withheld, or nothing was replayed yet. */
  readonly lsn: Lsn | null;
  /** Of a replica; null as long as nothing has streamed in since its start. */
  readonly receivedLsn: Lsn | null;
  /** Of a primary. */
  readonly timeline: number | null;
}

/** The first columns of an answer to `positionSql`, as texts. */
export type PositionRow = readonly [
  inRecovery: string,
  lsn: string | null,
  receivedLsn: string | null,
  timeline: string | null,
];

export function readPosition([inRecovery, lsn, receivedLsn, timeline]: PositionRow): Reported {
  return {
    role: inRecovery === 't' ? 'replica' : 'primary',
    lsn: lsn === null ? null : parseLsn(lsn),
    receivedLsn: receivedLsn === null ? null : parseLsn(receivedLsn),
    timeline: timeline === null ? null : parseTimeline(timeline),
  };
}
