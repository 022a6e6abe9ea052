import type { Lsn } from '../../common/lsn.js';
import { sameTarget } from '../../common/names.js';
import type { Epoch, Event, State } from './model.js';

type Heartbeat = Event & { type: 'heartbeat' };

export const sameEpoch = (a: Epoch | null, b: Epoch): boolean =>
  a !== null && a.systemId === b.systemId && a.timeline === b.timeline;

/**
 * The highest epoch after this heartbeat. Timelines of different systems cannot be compared: a database made anew starts
 * again at 1, and is believed unless a primary of the system we know still proves itself.
 */
export function highestWith(state: State, event: Heartbeat): Epoch | null {
  const { highest } = state;
  const seen = event.role === 'primary' ? event.epoch : null;
  if (seen === null || highest === null) return seen ?? highest;
  if (seen.systemId === highest.systemId) return seen.timeline > highest.timeline ? seen : highest;
  const rival = [...state.members.values()].some(
    ({ standing, epoch, target }) =>
      standing.kind === 'proven' &&
      standing.role === 'primary' &&
      epoch?.systemId === highest.systemId &&
      !sameTarget(target, event.target),
  );
  return rival ? highest : seen;
}

/** The writing primary's own word counts even when it is lower: a promotion may have lost a tail. */
export function headsWith(
  state: State,
  highest: Epoch | null,
  event: Heartbeat,
  nowMs: number,
): State['heads'] {
  const { heads } = state;
  const primary = event.role === 'primary';
  if (primary && (highest === null || !sameEpoch(event.epoch, highest))) return heads;
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
