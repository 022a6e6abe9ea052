import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { formatLsn, parseLsn, type Lsn } from '../../common/postgres/lsn.js';
import { segmentFileName } from '../../common/postgres/wal-file.js';
import { runCommand } from '../../common/runtime/machine/command.js';

export interface WalPlace {
  readonly dataDir: string;
  readonly timeline: number;
  readonly lsn: Lsn | string;
  readonly segmentBytes: number;
}

/**
 * The segment is named as a file too. Without that, pg_waldump learns the segment size from whatever WAL file its folder lists
 * first, and fails where Postgres has made that one ahead of time: it is all zeros (seen with 15.18).
 */
function asked({ dataDir, timeline, lsn, segmentBytes }: WalPlace, last?: Lsn): string[] {
  const start = typeof lsn === 'string' ? parseLsn(lsn) : lsn;
  const bytes = BigInt(segmentBytes);
  const end = ((last ?? start) / bytes + 1n) * bytes;
  return [
    ...['-p', join(dataDir, 'pg_wal'), '-t', String(timeline), '-s', formatLsn(start), '-e', formatLsn(end)],
    segmentFileName(timeline, start, segmentBytes),
    ...(last === undefined ? [] : [segmentFileName(timeline, last, segmentBytes)]),
  ];
}

/** Where the last segment of that timeline begins that lies here without a gap from that place on. */
function lastSegment({ dataDir, timeline, lsn, segmentBytes }: WalPlace & { readonly lsn: Lsn }): Lsn {
  const bytes = BigInt(segmentBytes);
  let last = (lsn / bytes) * bytes;
  while (existsSync(join(dataDir, 'pg_wal', segmentFileName(timeline, last + bytes, segmentBytes))))
    last += bytes;
  return last;
}

/**
 * The first records from a place on, as `pg_waldump` prints them, within the segment of that place. An empty text where the
 * segment is not there: the program itself would look for it for five seconds (seen with 15.18).
 */
export async function dumpRecords(binDir: string, place: WalPlace, count: number): Promise<string> {
  const { dataDir, timeline, segmentBytes } = place;
  const lsn = typeof place.lsn === 'string' ? parseLsn(place.lsn) : place.lsn;
  const folder = join(dataDir, 'pg_wal');
  if (!existsSync(join(folder, segmentFileName(timeline, lsn, segmentBytes)))) return '';
  const { stdout } = await runCommand(join(binDir, 'pg_waldump'), ['-n', String(count), ...asked(place)], {
    environment: { TZ: 'UTC' },
    timeoutMs: 10_000,
  });
  return stdout;
}

/** So many records of transactions are looked at; where there are more, some of them commit. */
const transactionsToLookAt = 5_000;

/** Whether a transaction committed, or was prepared, behind that place. In doubt: yes. */
export async function holdsCommits(
  binDir: string,
  place: WalPlace & { readonly lsn: Lsn },
): Promise<boolean> {
  const { exitCode, stdout, stderr } = await runCommand(
    join(binDir, 'pg_waldump'),
    ['-r', 'Transaction', '-n', String(transactionsToLookAt), ...asked(place, lastSegment(place))],
    { timeoutMs: 30_000 },
  );
  const lines = stdout.split('\n').filter((line) => line.includes('desc: '));
  // It ends with an error where the WAL ends, too.
  const hasReadAll = exitCode === 0 || (exitCode === 1 && stderr.includes('error in WAL record'));
  return (
    !hasReadAll ||
    lines.length >= transactionsToLookAt ||
    lines.some((line) => /desc: (?:COMMIT|PREPARE)/.test(line))
  );
}
