import { join } from 'node:path';
import type { Fork, History } from '../../common/keeper/protocol.js';
import { runCommand } from '../../common/runtime/command.js';
import { readIfPresent } from '../../common/runtime/durable.js';

/** Records between a fork and its mark: at most a change of full_page_writes and an overwritten continuation. */
const recordsToLookAt = 6;

const historyFile = (timeline: number): string =>
  `${timeline.toString(16).toUpperCase().padStart(8, '0')}.history`;

/** What a timeline's history file says: which one left which, and where. Pure. */
export function forksIn(file: string, timeline: number): Fork[] {
  const lines = [...file.matchAll(/^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/gm)];
  return lines.map(([, parent, lsn], index) => ({
    timeline: Number(lines[index + 1]?.[1] ?? timeline),
    parent: Number(parent),
    lsn: lsn!.toUpperCase(),
  }));
}

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
  const file = readIfPresent(join(dataDir, 'pg_wal', historyFile(timeline)));
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

export interface Comparison {
  /** `behind`: of the same history as long as its own WAL ends no later than `leftAt`. */
  readonly relation: 'same' | 'behind' | 'diverged' | 'other-history' | 'other-system';
  readonly sentence: string;
  /** Where the published history left this member's: WAL of its timeline behind this is its own. */
  readonly leftAt: string;
}

/** How a member's history stands to the one that was published (D4). Pure. */
export function compareHistory(own: History, published: History): Comparison {
  const is = (relation: Comparison['relation'], sentence = '', leftAt = '0/0') => ({
    relation,
    sentence,
    leftAt,
  });
  if (own.systemId !== published.systemId)
    return is('other-system', `this member is of system ${own.systemId}, not ${published.systemId}`);
  const [false_] = falseTwins(own, published);
  if (false_ !== undefined) return is('other-history', false_);
  if (own.timeline === published.timeline) return is('same');
  const left = published.forks.find(({ parent }) => parent === own.timeline);
  if (left) return is('behind', '', left.lsn);
  const branch = own.forks.find(({ timeline }) => timeline === own.timeline);
  return is(
    'diverged',
    `timeline ${own.timeline} of this member is not among those that led to ${published.timeline}`,
    branch?.lsn ?? '0/0',
  );
}

/** Sentences for timelines that both have by number, and that are not shown to be the same. */
export function falseTwins(own: History, published: History): string[] {
  const lineage = [...own.forks.map(({ timeline }) => timeline), own.timeline];
  return published.forks
    .filter(({ timeline }) => lineage.includes(timeline))
    .flatMap((there) => {
      const here = own.forks.find(({ timeline }) => timeline === there.timeline);
      if (here?.lsn === there.lsn && here.mark !== undefined && here.mark === there.mark) return [];
      return [
        `timeline ${there.timeline} began at ${here?.lsn ?? 'an unknown place'} (${here?.mark ?? 'no mark'}) here and at ${there.lsn} (${there.mark ?? 'no mark'}) there`,
      ];
    });
}
