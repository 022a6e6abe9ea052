import type { History } from '../../../common/postgres/history.js';
import { parseLsn, type Lsn } from '../../../common/postgres/lsn.js';
import { place } from '../../../common/postgres/position.js';
import type { Box } from '../../box.js';
import { historyOnDisk, newerTimelines } from '../../postgres/history.js';

interface Data {
  readonly systemId: string;
  /** As the control file says. */
  readonly timeline: number;
  readonly walSegmentBytes: number;
}

/**
 * D4: which history this member has. `end`: how far its WAL goes, of a standby that answers. The control file of a standby
 * names a timeline only with the first restartpoint on it, or with the first page that was written since. By then it may have
 * acknowledged commits of the new one, and would seem to have them from nowhere.
 */
export async function knownHistory(box: Box, data: Data, end?: Lsn): Promise<History> {
  if (end !== undefined)
    for (const timeline of newerTimelines(box.dataDir, data.timeline)) {
      const history = await remembered(box, { ...data, timeline });
      const fork = history.forks.at(-1);
      const leavesOurs = history.forks.some(({ parent }) => parent === data.timeline);
      // The record at the fork came with the WAL of that timeline; its history file alone comes to whoever asks.
      if (leavesOurs && fork?.mark !== undefined && end > parseLsn(fork.lsn)) return history;
    }
  return remembered(box, data);
}

/** Up to where this standby has WAL. Undefined: it has replayed and received nothing yet. */
export async function endOfWal(box: Box): Promise<Lsn | undefined> {
  const [row] = await box.reserved.query(`SELECT greatest(${place.received}, ${place.replayed}) AS lsn`);
  const lsn = row?.['lsn'];
  return typeof lsn === 'string' ? parseLsn(lsn) : undefined;
}

/**
 * The mark is remembered once seen: the WAL that shows it is recycled some day, and a clone never had it. A standby goes over
 * to a new timeline by itself, so this is looked at whenever there is a new one.
 */
async function remembered(box: Box, data: Data): Promise<History> {
  const { systemId, timeline } = data;
  const known = box.state.history;
  const isWhole = ({ forks }: History) => forks.every(({ mark }) => mark !== undefined);
  if (known?.systemId === systemId && known.timeline === timeline && isWhole(known)) return known;
  const found = await historyOnDisk(box.config.postgres.binDir, box.dataDir, { ...data, known });
  if (found.forks.at(-1)?.mark !== undefined) box.state.history = found;
  return found;
}
