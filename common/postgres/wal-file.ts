import type { Lsn } from './lsn.js';

/** Names of the files in `pg_wal`. Each begins with its timeline in eight digits. Pure. */

/** What stands at the start of a file's name. Throws a RangeError on anything else. */
export function parseTimeline(text: string): number {
  if (!/^[0-9A-Fa-f]{8}$/.test(text))
    throw new RangeError(`not a timeline: ${JSON.stringify(text)} (expected for example 0000000A)`);
  return Number.parseInt(text, 16);
}

export function formatTimeline(timeline: number): string {
  return timeline.toString(16).toUpperCase().padStart(8, '0');
}

export const historyFileName = (timeline: number): string => `${formatTimeline(timeline)}.history`;

/** Of the segment that holds this position. */
export function segmentFileName(timeline: number, lsn: Lsn, segmentBytes: number): string {
  const start = (lsn / BigInt(segmentBytes)) * BigInt(segmentBytes);
  const eight = (value: bigint) => value.toString(16).toUpperCase().padStart(8, '0');
  return (
    formatTimeline(timeline) + eight(start >> 32n) + eight((start & 0xffff_ffffn) / BigInt(segmentBytes))
  );
}

export type WalFile =
  | { readonly kind: 'history'; readonly timeline: number }
  /** `start`: the position of its first byte. The last one of a timeline that was left may be `partial`. */
  | { readonly kind: 'segment'; readonly timeline: number; readonly start: Lsn; readonly partial: boolean };

/** Undefined for what has the name of neither. */
export function parseWalFile(name: string, segmentBytes: number): WalFile | undefined {
  const [, timeline, high, low, partial] =
    /^([0-9A-F]{8})(?:([0-9A-F]{8})([0-9A-F]{8})(\.partial)?|\.history)$/.exec(name) ?? [];
  if (timeline === undefined) return undefined;
  if (high === undefined || low === undefined) return { kind: 'history', timeline: parseTimeline(timeline) };
  return {
    kind: 'segment',
    timeline: parseTimeline(timeline),
    start: (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`) * BigInt(segmentBytes),
    partial: partial !== undefined,
  };
}
