import { assertNever } from '../common/assert-never.js';
import type { Mode } from '../common/names.js';
import type { Member } from './members.js';
import type { MemberSummary } from './model.js';

/** What can be said of the members as a whole. Pure. */

export function serving(members: readonly Member[], role: 'primary' | 'replica'): MemberSummary[] {
  return members
    .filter((member) => member.summary.role === role && serves(member))
    .map(({ summary }) => summary);
}

/** A member that its agent cannot judge now is what was published of it last. */
function serves({ summary, entry }: Member): boolean {
  return summary.state === 'passing' || (summary.state === 'unknown' && entry?.status !== 'critical');
}

/** It does not serve, and its agent is the witness. A check that ran out only tells that the agent is gone. */
function isGone(member: Member): boolean {
  if (serves(member)) return false;
  return member.summary.source === 'agent' || member.entry?.heard === true;
}

export type PrimaryVerdict =
  | { readonly kind: 'serves' }
  | { readonly kind: 'gone' }
  /** Nobody knows of a member that is or may be primary. */
  | { readonly kind: 'unlisted' }
  /** These may be primary and may be running: nobody who knows can be heard. */
  | { readonly kind: 'open'; readonly boxes: readonly string[] };

/**
 * "Gone" needs a witness: the primary's own agent, or, where that is not heard, the replicas to which nothing streams
 * any more. An agent that was stopped took its member out of Consul and left the member alone.
 */
export function primaryVerdict(members: readonly Member[]): PrimaryVerdict {
  if (serving(members, 'primary').length > 0) return { kind: 'serves' };
  const candidates = members.filter(({ summary }) => summary.role !== 'replica');
  if (candidates.length === 0) return { kind: 'unlisted' };
  const open = candidates.filter((candidate) => !isGone(candidate));
  if (open.length === 0 || (open.every(({ entry }) => entry?.heard === false) && nothingStreams(members)))
    return { kind: 'gone' };
  return { kind: 'open', boxes: open.map(({ summary }) => summary.box) };
}

/** Replicas that receive WAL now: somebody who writes it is alive. */
export function streaming(members: readonly Member[]): MemberSummary[] {
  return serving(members, 'replica').filter((replica) => replica.streaming === true);
}

function nothingStreams(members: readonly Member[]): boolean {
  const replicas = serving(members, 'replica');
  return replicas.length > 0 && replicas.every((replica) => replica.streaming === false);
}

/**
 * What an app can do with these members; null when what was read does not tell. `leaderless`: all agents say that none of
 * them runs as a primary.
 */
export function modeOf(members: readonly Member[], leaderless = false): Mode | null {
  const { kind } = primaryVerdict(members);
  const primary = kind === 'unlisted' && leaderless ? 'gone' : kind;
  switch (primary) {
    case 'serves':
      return 'read-write';
    case 'unlisted':
    case 'open':
      return null;
    case 'gone': {
      if (serving(members, 'replica').length > 0) return 'read-only';
      const unheard = members.some((member) => member.summary.role === 'replica' && !isGone(member));
      return unheard ? null : 'down';
    }
    default:
      return assertNever(primary);
  }
}

/** Since when; undefined unless everybody concerned could tell. */
export function sinceOf(mode: Mode | null, members: readonly Member[]): string | undefined {
  const all = members.map(({ summary }) => summary);
  switch (mode) {
    case 'read-write':
      return latest(serving(members, 'primary'));
    case 'read-only':
      // It began when the last that may have been primary went.
      return latest(all.filter(({ role }) => role !== 'replica'));
    case 'down':
      return latest(all);
    case null:
      return undefined;
    default:
      return assertNever(mode);
  }
}

function latest(members: readonly MemberSummary[]): string | undefined {
  const known = members.flatMap(({ since }) => since ?? []);
  return known.length < members.length ? undefined : known.sort().at(-1);
}
