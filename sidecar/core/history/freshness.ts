import { assertNever } from '../../../common/assert-never.js';
import { sameTarget, type Target } from '../../../common/names.js';
import { sameEpoch } from './epochs.js';
import type { State } from '../model.js';
import { includes, type Position } from './position.js';

/** How much of the database's history a read must see. */
export type Need =
  | { readonly kind: 'anything' }
  | { readonly kind: 'position'; readonly position: Position }
  /** Nobody knows which position it would be: only the primary certainly has it all. */
  | { readonly kind: 'newest' };

/** What this process has done on the primary, and up to where that is known to reach. */
export interface OwnWork {
  /** How many statements and transactions have ended there. Any of them may have written: a SELECT can. */
  readonly ended: number;
  /** Where the primary was after the first `covers` of them. */
  readonly known: { readonly position: Position; readonly covers: number } | null;
}

export const noWork: OwnWork = { ended: 0, known: null };

export const oneMore = (work: OwnWork): OwnWork => ({ ...work, ended: work.ended + 1 });

/** `position` was asked for when `covers` had ended; null: the answer did not come, or did not say. */
export const learnt = (work: OwnWork, position: Position | null, covers: number): OwnWork =>
  position === null || (work.known !== null && work.known.covers > covers)
    ? work
    : { ...work, known: { position, covers } };

/**
 * What a read must see to include all own work. `ask`: the primary has to be asked where it is first. That is so, too, when
 * another primary has taken over: where it is includes whatever of the work has survived.
 */
export function needOf(work: OwnWork, { writer, highest }: State): Need | { readonly kind: 'ask' } {
  if (work.ended === 0) return { kind: 'anything' };
  const { known } = work;
  const current = known !== null && (highest === null || sameEpoch(highest, known.position));
  if (current && known.covers >= work.ended) return { kind: 'position', position: known.position };
  if (writer !== null) return { kind: 'ask' };
  // Without a primary nothing better is to be had.
  return current ? { kind: 'position', position: known.position } : { kind: 'newest' };
}

/** Of two needs, one that satisfies both. */
export function both(a: Need, b: Need): Need {
  if (a.kind === 'anything') return b;
  if (b.kind === 'anything') return a;
  if (a.kind === 'newest' || b.kind === 'newest') return { kind: 'newest' };
  if (!sameEpoch(a.position, b.position)) return { kind: 'newest' };
  return a.position.lsn >= b.position.lsn ? a : b;
}

/** `later`: not yet, it is worth waiting for. `never`: only the primary will do. */
export type Verdict = 'serves' | 'later' | 'never';

/** What may be hoped for from several. */
export const best = (verdicts: readonly Verdict[]): Verdict =>
  (['serves', 'later'] as const).find((hope) => verdicts.includes(hope)) ?? 'never';

/**
 * Whether a session to `target`, which was last known to be at `at`, may serve a read. While there is no primary any replica
 * serves in the end: to wait is all that can be done.
 */
export function verdict(state: State, target: Target, at: Position | null, need: Need): Verdict {
  const { writer, highest } = state;
  if (writer !== null && sameTarget(writer, target)) return 'serves';
  switch (need.kind) {
    case 'anything':
      return 'serves';
    case 'newest':
      return writer === null ? 'serves' : 'never';
    case 'position': {
      // A history that was lost cannot be waited for; nor one that nobody here has heard of.
      const lost = highest !== null && !sameEpoch(highest, need.position);
      if (lost) return writer === null ? 'serves' : 'never';
      if (includes(at, need.position)) return 'serves';
      if (at === null || sameEpoch(at, need.position)) return 'later';
      return writer === null ? 'serves' : 'never';
    }
    default:
      return assertNever(need);
  }
}
