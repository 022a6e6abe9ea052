import { parseLsn } from '../../common/postgres/lsn.js';

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
