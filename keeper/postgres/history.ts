import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { forksIn, type Fork, type History } from '../../common/postgres/history.js';
import { historyFileName } from '../../common/postgres/wal-file.js';
import { readIfPresent } from '../../common/runtime/files/durable.js';
import { dumpRecords } from './wal-dump.js';

/** Records between a fork and its mark: at most a change of full_page_writes and an overwritten continuation. */
const recordsToLookAt = 6;

/**
 * The END_OF_RECOVERY record at a fork, in words: two members that were promoted on their own wrote two of them under one
 * timeline number, at different times (D4). Undefined where this member does not have that WAL: a clone never had it, and in
 * time it is recycled.
 */
async function readMark(
  binDir: string,
  dataDir: string,
  { timeline, lsn }: Fork,
  segmentBytes: number,
): Promise<string | undefined> {
  const records = await dumpRecords(binDir, { dataDir, timeline, lsn, segmentBytes }, recordsToLookAt);
  const found = /END_OF_RECOVERY tli (\d+); prev tli (\d+); time (.+?)(?:;|$)/m.exec(records);
  return found && Number(found[1]) === timeline
    ? `${found[1]} after ${found[2]} at ${found[3]!.trim()}`
    : undefined;
}

/** The history that this data directory itself shows; marks whose WAL is gone are taken from what was known of it. */
export async function historyOnDisk(
  binDir: string,
  dataDir: string,
  of: {
    readonly systemId: string;
    readonly timeline: number;
    readonly walSegmentBytes: number;
    readonly known: History | undefined;
  },
): Promise<History> {
  const { systemId, timeline, walSegmentBytes, known } = of;
  const file = readIfPresent(join(dataDir, 'pg_wal', historyFileName(timeline)));
  const remembered = known?.systemId === systemId ? known.forks : [];
  const found =
    file === undefined ? remembered.filter((fork) => fork.timeline <= timeline) : forksIn(file, timeline);
  const forks = await Promise.all(
    found.map(async (fork) => {
      const seen = remembered.find(
        (other) => other.timeline === fork.timeline && other.lsn === fork.lsn,
      )?.mark;
      // Each look would start a program for each promotion there ever was.
      const isSettled = seen !== undefined && (fork.timeline < timeline || known?.timeline === timeline);
      const mark = isSettled ? seen : ((await readMark(binDir, dataDir, fork, walSegmentBytes)) ?? seen);
      return mark === undefined ? fork : { ...fork, mark };
    }),
  );
  return { systemId, timeline, forks };
}

/** Of which a history file lies here, newest first. Postgres numbers them without a gap. */
export function newerTimelines(dataDir: string, timeline: number): number[] {
  const found: number[] = [];
  for (let next = timeline + 1; existsSync(join(dataDir, 'pg_wal', historyFileName(next))); next += 1)
    found.unshift(next);
  return found;
}
