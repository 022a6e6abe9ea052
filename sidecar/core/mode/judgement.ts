import { sameTarget, targetKey, type Target } from '../../../common/names.js';
import { sameEpoch } from '../history/epochs.js';
import { replicas } from './eligible.js';
import { takesWrites } from '../managed/bars.js';
import { floorOf, reachesFloor } from '../managed/floor.js';
import type { Member, RouteConfig, State } from '../model.js';
import type { Reason } from '../model.js';
import { ours } from '../members/system.js';

/** Nobody has given a verdict on any member yet. */
export const atStart = ({ reason }: State): boolean =>
  reason.kind === 'starting' || reason.kind === 'nobody-known';

const inexact: readonly Reason['kind'][] = ['nothing-answers', 'nobody-lets-in', 'none-of-ours', 'torn'];

/** A reason that one more verdict may make more exact. */
export const unheard = (state: State): boolean => atStart(state) || inexact.includes(state.reason.kind);

/**
 * At the start the replica often proves itself first, by a millisecond. To be read-only then would be wrong: wait until
 * the catalogue has said who is primary, or that it cannot, and until whom it names has given its own verdict. When it
 * names nobody, those remembered from before count instead: they are known, listed in no role, and not heard yet.
 */
export function primaryMayFollow(state: State): boolean {
  const members = [...state.members.values()];
  if (members.some((member) => member.listed.includes('primary'))) return namedIsUnheard(members);
  return (
    state.lookups.primary === null ||
    members.some(({ standing, listed }) => standing.kind === 'unknown' && listed.length === 0)
  );
}

const namedIsUnheard = (members: readonly Member[]): boolean =>
  members.some(({ standing, listed }) => standing.kind === 'unknown' && listed.includes('primary'));

/**
 * A member is the writer when it proves to be primary and no higher epoch was seen. Two of the same epoch are a split
 * that nobody here can judge: the one in use stays, else the one that the catalogue names, else the first by address.
 * At the start, while no epoch was heard yet, one that is only remembered waits for the verdict on the one named now: it
 * may be a primary of the past that does not know it.
 */
export function chooseWriter(state: State): Target | null {
  if (state.system.kind === 'torn') return null;
  const candidates = ours(state).filter(
    (member) =>
      member.standing.kind === 'proven' &&
      member.standing.role === 'primary' &&
      (state.highest === null || sameEpoch(member.epoch, state.highest)) &&
      takesWrites(state, member) &&
      reachesFloor(state, member),
  );
  const current = candidates.find(
    (member) => state.writer !== null && sameTarget(member.target, state.writer),
  );
  const named = candidates.find((member) => member.listed.includes('primary'));
  if (!current && !named && atStart(state) && namedIsUnheard([...state.members.values()])) return null;
  const first = candidates.sort((a, b) => (targetKey(a.target) < targetKey(b.target) ? -1 : 1))[0];
  return (current ?? named ?? first)?.target ?? null;
}

function whyNobody({ lookups }: State, members: readonly Member[]): Reason {
  if (members.length === 0) {
    const said = [lookups.primary, lookups.replica];
    if (said.includes('empty')) return { kind: 'nobody-known', consul: 'lists-nobody' };
    return said.includes('unavailable')
      ? { kind: 'nobody-known', consul: 'does-not-answer' }
      : { kind: 'starting' };
  }
  const gone = members.flatMap(({ target, standing }) =>
    standing.kind === 'gone' ? [{ target, trouble: standing.trouble }] : [],
  );
  if (gone.length === 0) return { kind: 'starting' };
  const refusals = gone.flatMap(({ target, trouble }) =>
    trouble.kind === 'rejected' || trouble.kind === 'own-side' ? [{ target, code: trouble.code }] : [],
  );
  return refusals.length > 0
    ? { kind: 'nobody-lets-in', members: members.length, refusals }
    : { kind: 'nothing-answers', members: members.length };
}

/** Why those who say that they are primary are not written to. */
function whyUnfit(state: State, members: readonly Member[]): Reason | null {
  const { highest } = state;
  const all = members.filter(
    (member) => member.standing.kind === 'proven' && member.standing.role === 'primary',
  );
  const claims = all.find(({ epoch }) => highest !== null && sameEpoch(epoch, highest)) ?? all[0];
  if (!claims) return null;
  const { target, bars, epoch } = claims;
  const bar = (['drained', 'stalled', 'gated'] as const).find((one) => bars[one]);
  if (state.managed && bar) return { kind: 'primary-barred', target, bar };
  const floor = floorOf(state);
  if ((highest || floor) && epoch === null) return { kind: 'primary-untold', target };
  if (floor && !reachesFloor(state, claims)) return { kind: 'primary-unregistered', target, floor };
  return highest && { kind: 'primary-superseded', target, timeline: highest.timeline };
}

/** Why `state`, which came after `before`, has the mode that it has. */
export function explain(before: State, state: State, config: RouteConfig): Reason {
  if (state.writer) return { kind: 'primary-proven', target: state.writer };
  if (state.system.kind === 'torn') return { kind: 'torn', systemIds: state.system.systemIds };
  const members = ours(state);
  if (members.length === 0 && state.members.size > 0) return { kind: 'none-of-ours' };
  const unfit = whyUnfit(state, members);
  if (unfit) return unfit;
  const provenReplicas = members.filter((member) => member.standing.kind === 'proven');
  if (provenReplicas.length > 0 && replicas(state, config).length === 0)
    return { kind: 'replicas-too-far-behind', limitBytes: config.maxReplicaLagBytes };
  const was = before.writer && state.members.get(targetKey(before.writer));
  if (was?.standing.kind === 'gone')
    return { kind: 'primary-lost', target: was.target, trouble: was.standing.trouble };
  if (provenReplicas.length === 0) return whyNobody(state, members);
  if (was) return { kind: 'primary-became-replica', target: was.target };
  if (before.reason.kind === 'primary-lost') return before.reason;
  const gone = members.find((member) => member.listed.includes('primary') && member.standing.kind === 'gone');
  if (gone?.standing.kind === 'gone')
    return { kind: 'primary-lost', target: gone.target, trouble: gone.standing.trouble };
  return { kind: 'no-primary-known', consulSaysNone: state.lookups.primary === 'empty' };
}
