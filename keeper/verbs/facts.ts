import type { Facts } from '../../common/keeper/protocol.js';
import type { History } from '../../common/postgres/history.js';
import { place, positionSql } from '../../common/postgres/position.js';
import { messageOf } from '../../common/errors.js';
import { bootId, monotonicMs } from '../../common/runtime/boot-time.js';
import { Refused, type Box } from '../box.js';
import { readControlData, type ControlData } from '../postgres/control.js';
import { historyOnDisk } from '../postgres/history.js';
import { familyOf } from '../postgres/processes.js';
import type { Row } from '../postgres/sql.js';
import { installedVersion, parseVersion, versionWanted } from '../postgres/versions.js';
import { gateFactsOf } from './gate-facts.js';

type Sql = Facts['sql'];

/** How long SQL is waited for: Postgres that hangs is a fact as well, in ms. */
const sqlTimeoutMs = 1_000;

/** All that is seen of this member. Refuses a Postgres whose gate leaks after a start (D1). */
export async function facts(box: Box, order: Facts['order']): Promise<Facts> {
  const { binDir } = box.config.postgres;
  const [installed, data] = await Promise.all([
    installedVersion(binDir),
    readControlData(binDir, box.dataDir),
  ]);
  refuseOld(installed);
  const family = familyOf(box.dataDir);
  const sql: Sql = family.postmaster
    ? await readSql(box).catch((error): Sql => ({ state: 'unknown', why: messageOf(error).slice(0, 500) }))
    : { state: 'unknown', why: 'Postgres does not run' };
  if (sql.state === 'answers') refuseOld(sql.serverVersion);
  const { state, config } = box;
  const { rewinding } = state;
  const history = data.state === 'present' ? await knownHistory(box, data) : undefined;
  const drain = state.drain;
  return {
    member: config.member,
    managed: state.managed,
    installedVersion: installed,
    data: shown(data),
    server: family.postmaster
      ? { state: 'running', pid: family.postmaster.pid, others: family.orphans.length }
      : { state: 'stopped', others: family.orphans.length },
    standbySignal: box.hasSignal,
    gate: gateFactsOf(box, family.postmaster),
    incarnation: state.incarnation,
    applicationName: box.applicationName,
    sql,
    ...(rewinding ? { rewinding } : {}),
    ...(drain
      ? { drain: { leftMs: drain.boot === bootId() ? Math.max(0, drain.untilMs - monotonicMs()) : 0 } }
      : {}),
    ...(history ? { history } : {}),
    ...(order ? { order } : {}),
  };
}

/**
 * D4. The mark is remembered once seen: the WAL that shows it is recycled some day, and a clone never had it. A standby goes
 * over to a new timeline by itself, so this is looked at whenever there is a new one.
 */
export async function knownHistory(
  box: Box,
  { systemId, timeline }: { systemId: string; timeline: number },
): Promise<History> {
  const known = box.state.history;
  const isWhole = ({ forks }: History) => forks.every(({ mark }) => mark !== undefined);
  if (known?.systemId === systemId && known.timeline === timeline && isWhole(known)) return known;
  const found = await historyOnDisk(box.config.postgres.binDir, box.dataDir, { systemId, timeline, known });
  if (found.forks.at(-1)?.mark !== undefined) box.state.history = found;
  return found;
}

/** Throws a Refused for a version that the gate can't be trusted with. */
export function refuseOld(version: string): void {
  const wanted = versionWanted(version);
  if (wanted === undefined) return;
  throw new Refused(
    'minor-too-old',
    `PostgreSQL ${version}: after a start its commits may not wait for synchronous_standby_names; upgrade to ${wanted} or newer and restart it`,
  );
}

function shown(data: ControlData): Facts['data'] {
  if (data.state !== 'present') return data;
  const { cluster, systemId, timeline, checkpointTimeline, checkpointLsn, minRecoveryLsn } = data;
  return { state: 'present', cluster, systemId, timeline, checkpointTimeline, checkpointLsn, minRecoveryLsn };
}

const positions = positionSql([
  `CASE WHEN NOT r THEN ${place.flushed} END AS "flushedLsn"`,
  `${place.replayed} AS "replayLsn"`,
  `CASE WHEN ${place.inRecovery} THEN pg_is_wal_replay_paused() ELSE false END AS "replayPaused"`,
  `current_setting('server_version') AS "serverVersion"`,
  `current_setting('fsync')::bool AS fsync`,
  `current_setting('full_page_writes')::bool AS "fullPageWrites"`,
  `(SELECT count(*)::int FROM pg_prepared_xacts) AS "preparedTransactions"`,
  `(SELECT count(*)::int FROM pg_stat_activity
    WHERE backend_type = 'client backend' AND state = 'active' AND pid <> pg_backend_pid()) AS statements`,
  `current_setting('synchronous_standby_names') AS "synchronousStandbyNames"`,
]);
const receivers = `
  SELECT status, sender_host AS host, sender_port AS port, slot_name AS slot, received_tli AS timeline,
    greatest(0, extract(epoch FROM clock_timestamp() - last_msg_receipt_time) * 1000)::float8 AS "lastMessageAgeMs"
  FROM pg_stat_wal_receiver`;
const senders = `
  SELECT application_name AS name, coalesce(state, '') AS state, flush_lsn::text AS "flushLsn",
    coalesce(sync_priority, 0) AS "syncPriority", coalesce(sync_state, '') AS "syncState" FROM pg_stat_replication`;
const slots = `
  SELECT slot_name AS name, active, restart_lsn::text AS "restartLsn", wal_status AS "walStatus"
  FROM pg_replication_slots WHERE slot_type = 'physical' ORDER BY 1`;
/** R7, O4: these may not wait, or may not be drained. */
const overrides = `
  SELECT concat_ws(' in ', coalesce(r.rolname, 'every role'), d.datname) || ': ' || setting AS override
  FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole LEFT JOIN pg_database d ON d.oid = s.setdatabase,
    unnest(setconfig) setting
  WHERE setting ~ '^(synchronous_commit|default_transaction_read_only)=' ORDER BY 1`;

async function readSql(box: Box): Promise<Sql> {
  const ask = (sql: string) => box.reserved.query(sql, [], sqlTimeoutMs);
  const [row] = await ask(positions);
  const { lsn: _, timeline: __, receivedLsn, flushedLsn, ...seen } = row!;
  const answers = {
    ...seen,
    flushLsn: receivedLsn ?? flushedLsn,
    serverVersion: parseVersion(String(seen['serverVersion'])),
    senders: (await ask(senders)).map(present),
    slots: (await ask(slots)).map(present),
    overrides: (await ask(overrides)).map(({ override }) => String(override)),
  };
  const [receiver] = await ask(receivers);
  return present({ state: 'answers', ...answers, receiver: receiver && present(receiver) }) as unknown as Sql;
}

/** Without what is null. */
const present = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
