import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { History, ResultOf } from '../../common/keeper/protocol.js';
import { parseLsn } from '../../common/lsn.js';
import type { Box } from '../box.js';
import { runCommand } from '../../common/runtime/command.js';
import { syncFolder } from '../../common/runtime/durable.js';
import type { ControlData } from './control.js';
import { compareHistory, historyOnDisk } from './history.js';

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
  const firstSegment = parseLsn(leftAt) / BigInt(data.walSegmentBytes);
  const wal = join(folder, 'pg_wal');
  const files = readdirSync(wal).filter((name) =>
    isOwn(name, own.timeline, firstSegment, data.walSegmentBytes),
  );
  if (files.length === 0) return undefined;
  const kept = join(
    box.config.stateDir,
    'kept',
    `${own.timeline}-${leftAt.replace('/', '-')}-${box.state.incarnation}`,
  );
  mkdirSync(kept, { recursive: true, mode: 0o700 });
  for (const name of files) copyFileSync(join(wal, name), join(kept, name));
  syncFolder(kept);
  const bytes = files.reduce((sum, name) => sum + statSync(join(kept, name)).size, 0);
  return { folder: kept, bytes };
}

async function hasRecordAt(box: Box, folder: string, timeline: number, lsn: string): Promise<boolean> {
  const { stdout } = await runCommand(
    join(box.config.postgres.binDir, 'pg_waldump'),
    ['-p', join(folder, 'pg_wal'), '-t', String(timeline), '-s', lsn, '-n', '1'],
    { timeoutMs: 10_000 },
  );
  return stdout.includes('lsn:');
}

/** Segments of this timeline from the one on in which the histories part, and its history file. */
function isOwn(name: string, timeline: number, firstSegment: bigint, segmentBytes: number): boolean {
  if (Number.parseInt(name.slice(0, 8), 16) !== timeline) return false;
  if (/^[0-9A-F]{8}\.history$/.test(name)) return true;
  const [, high, low] = /^[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})(\.partial)?$/.exec(name) ?? [];
  if (high === undefined || low === undefined) return false;
  const perFile = 0x1_0000_0000n / BigInt(segmentBytes);
  return BigInt(`0x${high}`) * perFile + BigInt(`0x${low}`) >= firstSegment;
}
