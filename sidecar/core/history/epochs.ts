import type { Lsn } from '../../../common/postgres/lsn.js';
import type { Epoch, Event, State } from '../model.js';

type Heartbeat = Event & { type: 'heartbeat' };

export const sameEpoch = (a: Epoch | null, b: Epoch): boolean =>
  a !== null && a.systemId === b.systemId && a.timeline === b.timeline;

/** Of two of the same system. */
export const higher = (a: Epoch | null, b: Epoch): Epoch => (a === null || b.timeline > a.timeline ? b : a);

/**
 * Newest last; what was known before, and what this heartbeat of one of ours adds. The writing primary's own word counts
 * even when it is lower: a promotion may have lost a tail.
 */
export function headsWith(
  state: State,
  epoch: Epoch | null,
  event: Heartbeat,
  nowMs: number,
): State['heads'] {
  const { heads, highest } = state;
  const primary = event.role === 'primary';
  if (primary && (highest === null || !sameEpoch(epoch, highest))) return heads;
  const lsn = primary ? event.lsn : maxLsn(event.lsn, event.receivedLsn);
  if (lsn === null) return heads;
  const last = heads.at(-1);
  const head = { lsn, atMs: nowMs };
  if (last === undefined) return [head];
  if (lsn === last.lsn) return primary ? [...heads.slice(0, -1), head] : heads;
  if (lsn > last.lsn) return [...heads, head].slice(-headsKept);
  return primary ? [head] : heads;
}

const headsKept = 32;

const maxLsn = (a: Lsn | null, b: Lsn | null): Lsn | null =>
  a === null ? b : b === null ? a : a > b ? a : b;
