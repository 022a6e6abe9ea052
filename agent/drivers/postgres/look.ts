import { codeOf, messageOf } from '../../../common/errors.js';
import type { PostgresFacts, ReplicaFacts, Warning } from '../../core/model.js';
import type { Session } from './session.js';

/** All there is to know of a replica, in one round trip. */
const replicaSql = `
  SELECT pg_is_in_recovery() AS recovery,
         pg_last_wal_replay_lsn()::text AS lsn,
         coalesce(receiver.status = 'streaming', false) AS streaming,
         coalesce(receiver.received_tli, (SELECT timeline_id FROM pg_control_checkpoint())) AS timeline,
         pg_wal_lsn_diff(
           greatest(receiver.latest_end_lsn, pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()),
           pg_last_wal_replay_lsn())::float8 AS lag
    FROM (SELECT) AS always LEFT JOIN pg_stat_wal_receiver AS receiver ON true`;

/** … of a primary. The timeline is that of the WAL being written; the checkpoint's lags behind after a promotion. */
const primarySql = `
  SELECT pg_current_wal_lsn()::text AS lsn,
         substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) AS timeline,
         (SELECT coalesce(json_agg(json_build_object(
                   'name', application_name, 'address', host(client_addr), 'state', state,
                   'lagBytes', pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::float8)
                 ORDER BY application_name, client_addr), '[]')
            FROM pg_stat_replication WHERE state <> 'backup') AS replicas`;

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

/** Reads what the member says of itself; on a primary, writes too. */
export async function look(session: Session, box: string): Promise<PostgresFacts> {
  if (await session.inRecovery()) {
    const row = await session.row(replicaSql);
    if (row['recovery'] === true) {
      return {
        kind: 'postgres',
        role: 'replica',
        ...textField('lsn', row['lsn']),
        ...numberField('timeline', row['timeline']),
        ...numberField('lagBytes', row['lag']),
        streaming: row['streaming'] === true,
        warnings: [],
      };
    }
  }
  const row = await session.row(primarySql);
  return {
    kind: 'postgres',
    role: 'primary',
    ...textField('lsn', row['lsn']),
    timeline: Number.parseInt(String(row['timeline']), 16),
    replicas: (row['replicas'] as Record<string, unknown>[]).map(replicaOf),
    warnings: await writeProbe(session, box),
  };
}

/** Things that are the set-up's fault, not the member's. */
const untestable = new Set(['42P01', '3F000', '42501', '42703', '42P10']);

async function writeProbe(session: Session, box: string): Promise<Warning[]> {
  try {
    await session.row(writeSql, [box]);
    return [];
  } catch (error) {
    const sqlState = codeOf(error);
    // Without an SQLSTATE the connection broke; cancelled or shut down is judged as such by the caller.
    if (!sqlState || !/^[0-9A-Z]{5}$/.test(sqlState) || sqlState.startsWith('57') || sqlState === '55P03')
      throw error;
    if (untestable.has(sqlState))
      return [{ kind: 'write-untested', why: `${messageOf(error)}; provision the table hotspare.heartbeat` }];
    throw new CannotWriteError(sqlState, messageOf(error));
  }
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
