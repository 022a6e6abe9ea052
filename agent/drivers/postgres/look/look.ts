import { place, positionSql } from '../../../../common/postgres/position.js';
import { parseTimeline } from '../../../../common/postgres/wal-file.js';
import type { PostgresFacts, ReplicaFacts, Warning } from '../../../core/model.js';
import { writeHeartbeat } from './heartbeat.js';
import { identity } from './identity.js';
import type { Session } from '../session/session.js';
import { settingsColumns, settingsWarnings } from './warnings.js';

/** All there is to know of a replica, in one round trip. Both functions of the pause fail on a member that was just promoted. */
const replicaSql = (major: number) =>
  positionSql(
    [
      `CASE WHEN ${place.inRecovery} THEN ${
        major >= 14
          ? 'pg_get_wal_replay_pause_state()'
          : "CASE WHEN pg_is_wal_replay_paused() THEN 'paused' ELSE 'not paused' END"
      } END AS pause`,
      `coalesce(receiver.status = 'streaming', false) AS streaming`,
      `${place.replayedTimeline} AS "replayedTimeline"`,
      `pg_wal_lsn_diff(
        greatest(receiver.latest_end_lsn, ${place.received}, ${place.replayed}), ${place.replayed})::float8 AS lag`,
    ],
    'LEFT JOIN pg_stat_wal_receiver AS receiver ON true',
  );

/** … of a primary. */
const primarySql = positionSql([
  `(SELECT coalesce(json_agg(json_build_object(
             'name', application_name, 'address', host(client_addr), 'state', state,
             'lagBytes', pg_wal_lsn_diff(${place.written}, replay_lsn)::float8)
           ORDER BY application_name, client_addr), '[]')
      FROM pg_stat_replication WHERE state <> 'backup') AS replicas`,
  settingsColumns,
]);

/** Reads what the member says of itself; on a primary, writes too where that is allowed. */
export async function look(session: Session, box: string, mayWrite: boolean): Promise<PostgresFacts> {
  const system = await identity(session);
  if (await session.inRecovery()) {
    const row = await session.row(replicaSql(session.major));
    if (row['inRecovery'] === true) {
      return {
        kind: 'postgres',
        role: 'replica',
        ...system,
        ...textField('lsn', row['lsn']),
        ...numberField('timeline', row['replayedTimeline']),
        ...numberField('lagBytes', row['lag']),
        streaming: row['streaming'] === true,
        warnings: pauseWarnings(row['pause']),
      };
    }
  }
  const row = await session.row(primarySql);
  // New sessions may start read-only, as a default that every session can change: a warning, and no word of the disk.
  if (mayWrite && row['readOnly'] === 'on') await session.row('SET default_transaction_read_only = off');
  return {
    kind: 'postgres',
    role: 'primary',
    ...system,
    ...textField('lsn', row['lsn']),
    timeline: parseTimeline(String(row['timeline'])),
    replicas: (row['replicas'] as Record<string, unknown>[]).map(replicaOf),
    warnings: [...settingsWarnings(row), ...(mayWrite ? await writeHeartbeat(session, box) : [])],
  };
}

function pauseWarnings(state: unknown): Warning[] {
  return typeof state === 'string' && state !== 'not paused' ? [{ kind: 'replay-paused', state }] : [];
}

function replicaOf(row: Record<string, unknown>): ReplicaFacts {
  return {
    name: String(row['name']),
    ...textField('address', row['address']),
    state: String(row['state']),
    ...numberField('lagBytes', row['lagBytes']),
  };
}

function textField<K extends string>(key: K, value: unknown): { [P in K]?: string } {
  return (typeof value === 'string' ? { [key]: value } : {}) as { [P in K]?: string };
}

function numberField<K extends string>(key: K, value: unknown): { [P in K]?: number } {
  return (typeof value === 'number' ? { [key]: Math.max(0, value) } : {}) as { [P in K]?: number };
}
