import type pg from 'pg';
import type { Target } from '../../../common/names.js';
import { place, positionSql, readPosition, type PositionRow } from '../../../common/postgres/position.js';
import type { Report } from '../../ports.js';

/** Everything a member has to say, in one row, callable by any role; with the age of what it replayed last. */
export const heartbeatSql = positionSql([`CASE WHEN r THEN ${place.replayAgeMs} END`]);

/**
 * Our own questions get their answers as text. Parsers that an app has set, for one pool or for all of `pg`, are for its
 * own rows: they may make anything of a boolean.
 */
export const asText = { getTypeParser: () => String } as unknown as pg.CustomTypesConfig;

type Row = readonly [...PositionRow, replayAgeMs: string | null];

/** From the row of `heartbeatSql` (an array of texts) to what the router hears. */
export function readHeartbeat(
  row: Row,
  systemId: string | null,
  target: Target,
): Report & { type: 'heartbeat' } {
  const [inRecovery, lsn, receivedLsn, timeline, replayAgeMs] = row;
  return {
    type: 'heartbeat',
    target,
    systemId,
    withheld: null,
    ...readPosition([inRecovery, lsn, receivedLsn, timeline]),
    replayAgeMs: replayAgeMs === null ? null : Math.max(0, Number(replayAgeMs)),
  };
}
