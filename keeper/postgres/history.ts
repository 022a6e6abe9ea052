import { join } from 'node:path';
import { forksIn, type Fork, type History } from '../../common/postgres/history.js';
import { historyFileName } from '../../common/postgres/wal-file.js';
import { runCommand } from '../../common/runtime/command.js';
import { readIfPresent } from '../../common/runtime/durable.js';

/** Records between a fork and its mark: at most a change of full_page_writes and an overwritten continuation. */
const recordsToLookAt = 6;

/**
 * The END_OF_RECOVERY record at a fork, in words: two members that were promoted on their own wrote two of them under one
 * timeline number, at different times (D4). Undefined where this member has no such WAL, or no longer.
 */
async function readMark(
  binDir: string,
  dataDir: string,
  { timeline, lsn }: Fork,
): Promise<string | undefined> {
  const { stdout } = await runCommand(
    join(binDir, 'pg_waldump'),
    ['-p', join(dataDir, 'pg_wal'), '-t', String(timeline), '-s', lsn, '-n', String(recordsToLookAt)],
    { environment: { TZ: 'UTC' }, timeoutMs: 10_000 },
  );
  const found = /END_OF_RECOVERY tli (\d+); prev tli (\d+); time (.+?)(?:;|$)/m.exec(stdout);
  return found && Number(found[1]) === timeline
    ? `${found[1]} after ${found[2]} at ${found[3]!.trim()}`
    : undefined;
}

/** The history that this data directory itself shows; marks whose WAL is gone are taken from what was known of it. */
export async function historyOnDisk(
  binDir: string,
  dataDir: string,
  of: { readonly systemId: string; readonly timeline: number; readonly known: History | undefined },
): Promise<History> {
  const { systemId, timeline, known } = of;
  const file = readIfPresent(join(dataDir, 'pg_wal', historyFileName(timeline)));
  const remembered = known?.systemId === systemId ? known.forks : [];
  const found =
    file === undefined ? remembered.filter((fork) => fork.timeline <= timeline) : forksIn(file, timeline);
  const forks = await Promise.all(
    found.map(async (fork) => {
      const mark =
        (await readMark(binDir, dataDir, fork)) ??
        remembered.find((other) => other.timeline === fork.timeline && other.lsn === fork.lsn)?.mark;
      return mark === undefined ? fork : { ...fork, mark };
    }),
  );
  return { systemId, timeline, forks };
}
