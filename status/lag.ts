import { lagBytes, parseLsn } from '../common/postgres/lsn.js';
import type { MemberSummary } from './model.js';

export interface Lag {
  readonly bytes: number;
  /** It may be more: what the primary has written since is not known. */
  readonly atLeast: boolean;
}

/**
 * How far a replica is behind. While WAL streams in, it knows best itself. When none does, it cannot know what the primary has
 * written since, and the two positions tell. Undefined when nothing is known. Pure.
 */
export function lagOf(replica: MemberSummary, members: readonly MemberSummary[]): Lag | undefined {
  const own = replica.lagBytes;
  if (replica.streaming === true && own !== undefined) return { bytes: own, atLeast: false };
  const primary = members.find(({ role, state, lsn }) => role === 'primary' && state === 'passing' && lsn);
  const behind = between(primary?.lsn, replica.lsn);
  if (behind === undefined)
    return own === undefined ? undefined : { bytes: own, atLeast: replica.streaming === false };
  return { bytes: Math.max(own ?? 0, behind), atLeast: false };
}

function between(ahead: string | undefined, behind: string | undefined): number | undefined {
  if (ahead === undefined || behind === undefined) return undefined;
  try {
    return lagBytes(parseLsn(ahead), parseLsn(behind));
  } catch {
    // An agent of another kind answered.
    return undefined;
  }
}

/** The members, each replica with its lag as far as it is known from all of them. */
export function withLags(members: readonly MemberSummary[]): MemberSummary[] {
  return members.map((member) => {
    if (member.role !== 'replica' || member.state !== 'passing') return member;
    const lag = lagOf(member, members);
    return lag === undefined ? member : { ...member, lagBytes: lag.bytes };
  });
}
