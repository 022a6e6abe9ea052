import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ResultOf } from '../../common/keeper/protocol.js';
import { compareHistory, type History } from '../../common/postgres/history.js';
import { formatLsn, type Lsn } from '../../common/postgres/lsn.js';
import { parseWalFile } from '../../common/postgres/wal-file.js';
import type { Box } from '../box.js';
import { runCommand } from '../../common/runtime/command.js';
import { syncFolder } from '../../common/runtime/durable.js';
import type { ControlData } from './control.js';
import { historyOnDisk } from './history.js';

/**
 * D4: WAL that only this member has is copied out of the data directory before that is rewound or replaced. Undefined where it
 * has none of its own.
 */
export async function keepOwnWal(
  box: Box,
  folder: string,
  data: Extract<ControlData, { state: 'present' }>,
  published: History,
): Promise<ResultOf<'rejoin'>['kept']> {
  const known = box.state.history;
  const own = await historyOnDisk(box.config.postgres.binDir, folder, { ...data, known });
  const { relation, leftAt } = compareHistory(own, published);
  if (relation === 'same' || relation === 'other-system') return undefined;
  // A member that is merely behind has no record there.
  if (relation === 'behind' && !(await hasRecordAt(box, folder, own.timeline, leftAt))) return undefined;
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
  const bytes = files.reduce((sum, name) => sum + statSync(join(kept, name)).size, 0);
  return { folder: kept, bytes };
}

async function hasRecordAt(box: Box, folder: string, timeline: number, lsn: Lsn): Promise<boolean> {
  const { stdout } = await runCommand(
    join(box.config.postgres.binDir, 'pg_waldump'),
    ['-p', join(folder, 'pg_wal'), '-t', String(timeline), '-s', formatLsn(lsn), '-n', '1'],
    { timeoutMs: 10_000 },
  );
  return stdout.includes('lsn:');
}

/** Segments of this timeline from the one on in which the histories part, and its history file. */
function isOwn(name: string, timeline: number, leftAt: Lsn, segmentBytes: number): boolean {
  const file = parseWalFile(name, segmentBytes);
  if (file?.timeline !== timeline) return false;
  return file.kind === 'history' || file.start + BigInt(segmentBytes) > leftAt;
}
