import type { Facts } from '../../common/keeper/protocol.js';
import { parseLsn, type Lsn } from '../../common/postgres/lsn.js';
import { place, positionSql } from '../../common/postgres/position.js';
import { withDeadline } from '../../common/clock.js';
import { messageOf } from '../../common/errors.js';
import { bootId, monotonicMs } from '../../common/runtime/machine/boot-time.js';
import { Refused, type Box } from '../box.js';
import { readControlData, type ControlData } from '../postgres/control.js';
import { identityOf, orphansBeside, postmasterOf, startedPostmaster } from '../postgres/processes.js';
import type { Row } from '../postgres/sql.js';
import { installedVersion, parseVersion, versionWanted } from '../postgres/versions.js';
import { gateFactsOf } from './parts/gate-facts.js';
import { knownHistory } from './parts/known-history.js';

type Sql = Facts['sql'];

/** How long SQL is waited for, with the log-in where it needs one: Postgres that hangs is a fact as well, in ms. */
const sqlTimeoutMs = 1_000;

/** All that is seen of this member. Refuses a Postgres whose gate leaks after a start (D1). */
export async function facts(box: Box, order: Facts['order']): Promise<Facts> {
  const { binDir } = box.config.postgres;
  // Looked at before the control file, which is then of this postmaster's run.
  const started = startedPostmaster(box.dataDir);
  const [installed, data] = await Promise.all([
    installedVersion(binDir),
    readControlData(binDir, box.dataDir),
  ]);
  refuseOld(installed);
  const postmaster = postmasterOf(box.dataDir);
  const others = orphansBeside(postmaster, box.dataDir);
  const sql: Sql = postmaster
    ? await withDeadline(box.clock, sqlTimeoutMs, 'Postgres', () => readSql(box)).catch((error): Sql => ({
        state: 'unknown',
        why: messageOf(error).slice(0, 500),
      }))
    : { state: 'unknown', why: 'Postgres does not run' };
  if (sql.state === 'answers') refuseOld(sql.serverVersion);
  // D2, while it runs: else commits would not wait for what the gate says.
  if (isOverruled(box, sql) && box.takeBack()) box.reload();
  const { state, config } = box;
  const { rewinding } = state;
  const history = data.state === 'present' ? await knownHistory(box, data, endOf(sql)) : undefined;
  const drain = state.drain;
  return {
    member: config.member,
    managed: state.managed,
    installedVersion: installed,
    data: shown(data),
    server: postmaster
      ? {
          state: 'running',
          pid: postmaster.pid,
          others,
          ...(started === identityOf(postmaster) ? {} : { starting: true }),
        }
      : { state: 'stopped', others },
    standbySignal: box.hasSignal,
    gate: gateFactsOf(box, postmaster),
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

const isOverruled = ({ settings, state }: Box, sql: Sql): boolean =>
  state.managed &&
  sql.state === 'answers' &&
  sql.synchronousStandbyNames !== settings.read().synchronous_standby_names;

/** Up to where a standby has WAL. */
function endOf(sql: Sql): Lsn | undefined {
  if (sql.state !== 'answers' || !sql.inRecovery) return undefined;
  const ends = [sql.flushLsn, sql.replayLsn].flatMap((lsn) => (lsn === undefined ? [] : [parseLsn(lsn)]));
  return ends.reduce<Lsn | undefined>(
    (most, end) => (most === undefined || end > most ? end : most),
    undefined,
  );
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

/** A view of all settings is dear: it is looked at no more often, in ms. */
const pendingEveryMs = 10_000;
const pending = `SELECT name FROM pg_settings WHERE pending_restart ORDER BY 1`;

async function pendingRestart(box: Box): Promise<readonly string[]> {
  const nowMs = box.clock.nowMs();
  if (!box.pendingRestart || nowMs - box.pendingRestart.atMs >= pendingEveryMs) {
    const rows = await box.reserved.query(pending, [], sqlTimeoutMs);
    box.pendingRestart = { atMs: nowMs, names: rows.map(({ name }) => String(name)) };
  }
  return box.pendingRestart.names;
}

async function readSql(box: Box): Promise<Sql> {
  const [[row], sending, kept, overriding, [receiver]] = await box.reserved.queries(
    [positions, senders, slots, overrides, receivers],
    sqlTimeoutMs,
  );
  const { lsn: _, timeline: __, receivedLsn, flushedLsn, ...seen } = row!;
  const answers = {
    ...seen,
    flushLsn: receivedLsn ?? flushedLsn,
    serverVersion: parseVersion(String(seen['serverVersion'])),
    senders: sending.map(present),
    slots: kept.map(present),
    overrides: overriding.map(({ override }) => String(override)),
    pendingRestart: await pendingRestart(box),
  };
  return present({ state: 'answers', ...answers, receiver: receiver && present(receiver) }) as unknown as Sql;
}

/** Without what is null. */
const present = (row: Row): Row =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null && value !== undefined));
