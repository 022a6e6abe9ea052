import type pg from 'pg';
import { parseLsn, type Lsn } from '../../../common/lsn.js';
import type { Target } from '../../../common/names.js';
import type { Report } from '../../ports.js';

/**
 * Asked once per monitor connection: it never changes. As everywhere in our questions, schemas are named: an app's search_path
 * may put its own functions, operators and types first.
 */
export const identitySql = 'SELECT system_identifier::pg_catalog.text FROM pg_catalog.pg_control_system()';

/**
 * Everything a member has to say, in one row, callable by any role. The timeline of a primary is in the name of its
 * current WAL file; a replica has no such name.
 */
export const heartbeatSql = `SELECT r,
  CASE WHEN r THEN pg_catalog.pg_last_wal_replay_lsn() ELSE pg_catalog.pg_current_wal_lsn() END,
  CASE WHEN r THEN pg_catalog.pg_last_wal_receive_lsn() END,
  CASE WHEN NOT r
    THEN pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_lsn()), 1, 8)
  END,
  CASE WHEN r THEN (1000 OPERATOR(pg_catalog.*) extract(epoch FROM
    pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) pg_catalog.pg_last_xact_replay_timestamp()))::bigint
  END
FROM pg_catalog.pg_is_in_recovery() AS r`;

/**
 * Our own questions get their answers as text. Parsers that an app has set, for one pool or for all of `pg`, are for its
 * own rows: they may make anything of a boolean.
 */
export const asText = { getTypeParser: () => String } as unknown as pg.CustomTypesConfig;

type Row = readonly [
  inRecovery: string,
  lsn: string | null,
  received: string | null,
  timeline: string | null,
  replayAgeMs: string | null,
];

/** From the row of `heartbeatSql` (an array of texts) to what the router hears. */
export function readHeartbeat(
  row: Row,
  systemId: string | null,
  target: Target,
): Report & { type: 'heartbeat' } {
  const [inRecovery, at, received, timeline, replayAgeMs] = row;
  return {
    type: 'heartbeat',
    target,
    role: inRecovery === 't' ? 'replica' : 'primary',
    systemId,
    timeline: timeline === null ? null : Number.parseInt(timeline, 16),
    withheld: null,
    lsn: lsn(at),
    receivedLsn: lsn(received),
    replayAgeMs: replayAgeMs === null ? null : Math.max(0, Number(replayAgeMs)),
  };
}

const lsn = (text: string | null): Lsn | null => (text === null ? null : parseLsn(text));
