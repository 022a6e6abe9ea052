import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ResultOf } from '../../common/keeper/protocol.js';
import { compareHistory, type History } from '../../common/postgres/history.js';
import { formatLsn, parseLsn, type Lsn } from '../../common/postgres/lsn.js';
import { parseWalFile } from '../../common/postgres/wal-file.js';
import type { Box } from '../box.js';
import { syncFolder } from '../../common/runtime/files/durable.js';
import { isClean, type ControlData } from './control.js';
import { historyOnDisk } from './history.js';
import { dumpRecords, holdsCommits } from './wal-dump.js';

/**
 * D4: commits that only this member has are kept: their WAL is copied out of the data directory before that is rewound or
 * replaced. Undefined where it has none, as after a switchover, which leaves a checkpoint behind the fork and nothing else.
 * `bytes`: of WAL behind the fork; of whole segments where Postgres was not stopped in good order.
 */
export async function keepOwnWal(
  box: Box,
  folder: string,
  data: Extract<ControlData, { state: 'present' }>,
  published: History,
): Promise<ResultOf<'rejoin'>['kept']> {
  const known = box.state.historyOf(folder);
  const own = await historyOnDisk(box.config.postgres.binDir, folder, { ...data, known });
  const { relation, leftAt } = compareHistory(own, published);
  if (relation === 'same' || relation === 'other-system') return undefined;
  // A member that is merely behind has no record there.
  const place = { dataDir: folder, timeline: own.timeline, lsn: leftAt, segmentBytes: data.walSegmentBytes };
  if (relation === 'behind' && !(await dumpRecords(box.config.postgres.binDir, place, 1)).includes('lsn:'))
    return undefined;
  if (!(await holdsCommits(box.config.postgres.binDir, place))) return undefined;
  const wal = join(folder, 'pg_wal');
  const files = readdirSync(wal).filter((name) => isOwn(name, own.timeline, leftAt, data.walSegmentBytes));
  if (files.length === 0) return undefined;
  const kept = join(
    box.config.stateDir,
    'kept',
    `${own.timeline}-${formatLsn(leftAt).replace('/', '-')}-${box.state.incarnation}`,
  );
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const name of files) copyFileSync(join(wal, name), join(kept, name));
  syncFolder(kept);
  const end = isClean(data.cluster) ? endOf(data) : 0n;
  const bytes =
    end > leftAt
      ? Number(end - leftAt)
      : files.reduce((sum, name) => sum + statSync(join(kept, name)).size, 0);
  return { folder: kept, bytes };
}

/** How far the WAL of a server goes that was stopped in good order; one in recovery writes no checkpoint at its end. */
function endOf({ checkpointLsn, minRecoveryLsn }: Extract<ControlData, { state: 'present' }>): Lsn {
  const [checkpoint, replayed] = [parseLsn(checkpointLsn), parseLsn(minRecoveryLsn)];
  return checkpoint > replayed ? checkpoint : replayed;
}

/** Segments of this timeline from the one on in which the histories part, and its history file. */
function isOwn(name: string, timeline: number, leftAt: Lsn, segmentBytes: number): boolean {
  const file = parseWalFile(name, segmentBytes);
  if (file?.timeline !== timeline) return false;
  return file.kind === 'history' || file.start + BigInt(segmentBytes) > leftAt;
}
