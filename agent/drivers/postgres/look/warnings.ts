import { gateIn } from '../../../../common/postgres/gate-name.js';
import type { Warning } from '../../../core/model.js';

/** What of a primary's settings keeps apps from writing, though the primary itself can. */

/** Read with the rest, as columns of one row. The databases are those whose own setting makes new sessions read-only. */
export const settingsColumns = `
  current_setting('default_transaction_read_only') AS "readOnly",
  current_database() AS "database",
  (SELECT coalesce(json_agg(datname ORDER BY datname), '[]')
     FROM pg_database JOIN pg_db_role_setting ON setdatabase = pg_database.oid AND setrole = 0
    WHERE datallowconn AND EXISTS (
      SELECT FROM unnest(setconfig) AS setting
       WHERE setting ~* '^default_transaction_read_only=(on|1|t(r(ue?)?)?|y(es?)?)$')) AS "readOnlyDatabases",
  current_setting('synchronous_standby_names') AS "syncNames",
  (SELECT count(*)::int4 FROM pg_stat_replication WHERE sync_state IN ('sync', 'quorum')) AS "syncStandbys"`;

export function settingsWarnings(row: Readonly<Record<string, unknown>>): Warning[] {
  const databases = (row['readOnlyDatabases'] as string[]).map((database): Warning => ({
    kind: 'read-only-default',
    database,
  }));
  // Its own database is named already, if that is why this session is so.
  const everywhere: Warning[] =
    row['readOnly'] === 'on' && !(row['readOnlyDatabases'] as unknown[]).includes(row['database'])
      ? [{ kind: 'read-only-default' }]
      : [];
  const names = String(row['syncNames']);
  // A closed gate asks for a standby that is not meant to be there.
  const wanted = gateIn(names) === undefined ? standbysWanted(names) : 0;
  const streaming = Number(row['syncStandbys']);
  const sync: Warning[] = streaming < wanted ? [{ kind: 'sync-missing', wanted, streaming }] : [];
  return [...everywhere, ...databases, ...sync];
}

/** How many standbys a commit waits for, as `synchronous_standby_names` has it: `a, b`, `2 (a, b)`, `ANY 2 (a, b)`. */
export function standbysWanted(names: string): number {
  if (names.trim() === '') return 0;
  return Number(/^\s*(?:(?:first|any)\s+)?(\d+)\s*\(/i.exec(names)?.[1] ?? 1);
}
