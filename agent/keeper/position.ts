import { compareHistory, type History } from '../../common/postgres/history.js';
import { formatLsn, parseLsn } from '../../common/postgres/lsn.js';

/** `TIMELINE/LSN`, such as `3/0/5000148`: the core hands it on, and has two compared. */
export const positionOf = (timeline: number, lsn: string): string => `${timeline}/${lsn}`;

const bytesOf = (position: string): bigint | undefined => {
  const match = /^\d+\/([0-9A-F]{1,8}\/[0-9A-F]{1,8})$/.exec(position);
  return match?.[1] === undefined ? undefined : parseLsn(match[1]);
};

/** By bytes alone: whether both are of one history is another question (D4). Undefined: not both are positions. */
export function comparePositions(a: string, b: string): number | undefined {
  const [one, other] = [bytesOf(a), bytesOf(b)];
  if (one === undefined || other === undefined) return undefined;
  return one < other ? -1 : one > other ? 1 : 0;
}

/** Bytes of WAL from one to the other; 0 where the other is not ahead. */
export function distanceBetween(from: string, to: string): number | undefined {
  const [one, other] = [bytesOf(from), bytesOf(to)];
  if (one === undefined || other === undefined) return undefined;
  return other > one ? Number(other - one) : 0;
}

interface Copy {
  readonly history: History | undefined;
  readonly position: string | undefined;
}

/**
 * Whether the one has whatever the other has: of one history (D4), and where the one was promoted beyond the other's timeline, the other
 * ends before that. False also while something of it is not known.
 */
export function hasAllOf(one: Copy, other: Copy): boolean {
  if (!one.history || !other.history || one.position === undefined || other.position === undefined)
    return false;
  const { relation, leftAt } = compareHistory(other.history, one.history);
  const end =
    relation === 'same'
      ? one.position
      : relation === 'behind'
        ? positionOf(other.history.timeline, formatLsn(leftAt))
        : '';
  const order = comparePositions(other.position, end);
  return order !== undefined && order <= 0;
}
