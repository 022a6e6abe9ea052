import { formatLsn, parseLsn, type Lsn } from './lsn.js';

/** D4: which history a member has, and how it stands to another's. Pure. */
export interface History {
  readonly systemId: string;
  readonly timeline: number;
  /** Oldest first; none for a cluster that was never promoted. */
  readonly forks: readonly Fork[];
}

/** Where a timeline began. */
export interface Fork {
  readonly timeline: number;
  readonly parent: number;
  /** As Postgres writes it. */
  readonly lsn: string;
  /** The END_OF_RECOVERY record there in words, which tells two timelines of one number apart; absent where it is not known. */
  readonly mark?: string | undefined;
}

/** What a timeline's history file says: which one left which, and where. */
export function forksIn(file: string, timeline: number): Fork[] {
  const lines = [...file.matchAll(/^\s*(\d+)\s+([0-9A-Fa-f]+\/[0-9A-Fa-f]+)/gm)];
  return lines.map(([, parent, lsn], index) => ({
    timeline: Number(lines[index + 1]?.[1] ?? timeline),
    parent: Number(parent),
    lsn: formatLsn(parseLsn(lsn!)),
  }));
}

export interface Comparison {
  /** `behind`: of the same history as long as its own WAL ends no later than `leftAt`. */
  readonly relation: 'same' | 'behind' | 'diverged' | 'other-history' | 'other-system';
  readonly sentence: string;
  /** Where the published history left this member's: WAL of its timeline behind this is its own. */
  readonly leftAt: Lsn;
}

/** How a member's history stands to the one that was published (D4). */
export function compareHistory(own: History, published: History): Comparison {
  const is = (relation: Comparison['relation'], sentence = '', leftAt: Lsn = 0n) => ({
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
  if (left) return is('behind', '', parseLsn(left.lsn));
  const branch = own.forks.find(({ timeline }) => timeline === own.timeline);
  return is(
    'diverged',
    `timeline ${own.timeline} of this member is not among those that led to ${published.timeline}`,
    branch && parseLsn(branch.lsn),
  );
}

/** Sentences for timelines that both have by number, and that are not shown to be the same. */
export function falseTwins(own: History, published: History): string[] {
  const lineage = [...own.forks.map(({ timeline }) => timeline), own.timeline];
  return published.forks
    .filter(({ timeline }) => lineage.includes(timeline))
    .flatMap((there) => {
      const here = own.forks.find(({ timeline }) => timeline === there.timeline);
      if (here && isSameFork(here, there)) return [];
      return [
        `timeline ${there.timeline} began at ${here?.lsn ?? 'an unknown place'} (${here?.mark ?? 'no mark'}) here and at ${there.lsn} (${there.mark ?? 'no mark'}) there`,
      ];
    });
}

/**
 * A promotion under management is published with its mark. One without it is older than that, and its WAL was recycled before a
 * keeper could read it: the place alone decides.
 */
const isSameFork = (here: Fork, there: Fork): boolean =>
  parseLsn(here.lsn) === parseLsn(there.lsn) && (there.mark === undefined || here.mark === there.mark);
