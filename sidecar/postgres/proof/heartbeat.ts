import type pg from 'pg';
import type { Target } from '../../../common/names.js';
import { gateIn } from '../../../common/postgres/gate-name.js';
import { place, positionSql, readPosition } from '../../../common/postgres/position.js';
import type { Report } from '../../ports.js';

/**
 * Everything a member has to say, in one row, callable by any role; with the age of what it replayed last, and what keeps a
 * managed one from acknowledging writes.
 */
export const heartbeatSql = positionSql([
  `CASE WHEN r THEN ${place.replayAgeMs} END`,
  place.standbyNames,
  place.drained,
]);

/**
 * Our own questions get their answers as text. Parsers that an app has set, for one pool or for all of `pg`, are for its
 * own rows: they may make anything of a boolean.
 */
export const asText: pg.CustomTypesConfig = { getTypeParser: () => String };

/** From the row of `heartbeatSql` (an array of texts) to what the router hears. */
export function readHeartbeat(
  row: readonly (string | null)[],
  systemId: string | null,
  target: Target,
): Report & { type: 'heartbeat' } {
  const [inRecovery, lsn = null, receivedLsn = null, timeline = null, replayAgeMs = null, standbys, drained] =
    row;
  return {
    type: 'heartbeat',
    target,
    systemId,
    withheld: null,
    ...readPosition([inRecovery ?? 'f', lsn, receivedLsn, timeline]),
    replayAgeMs: replayAgeMs === null ? null : Math.max(0, Number(replayAgeMs)),
    gate: gateIn(standbys ?? ''),
    drained: drained === 't',
  };
}
