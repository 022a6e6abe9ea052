import { assertNever } from '../../../common/assert-never.js';
import { sameTarget, type Role, type Target } from '../../../common/names.js';
import { barredPrimaries, drainedPrimary } from '../managed/bars.js';
import type { Member, RouteConfig, State } from '../model.js';
import { foreign, ours } from '../members/system.js';

/**
 * What a session is for.
 * `main`: everything on `pool`: the primary, or a replica while there is none.
 * `read`: `pool.read`: a replica, or the primary when no replica will do.
 * `primary` / `replica`: that role and nothing else.
 */
export type Use = 'main' | 'read' | Role;

/**
 * The members that may serve `use` now; any of them is as good as another. Empty: nobody. With the first session it is decided
 * which database this process belongs to, so at the start no replica serves before the primary that may follow was heard.
 */
export function eligible(state: State, use: Use, config: RouteConfig): readonly Target[] {
  if (state.mode === 'down' && (use === 'main' || state.system.kind !== 'own')) return [];
  switch (use) {
    case 'main': {
      if (state.writer) return [state.writer];
      const drained = drainedPrimary(state);
      return drained ? [drained.target] : replicas(state, config);
    }
    case 'read': {
      const fit = replicas(state, config);
      if (fit.length > 0) return fit;
      return state.writer ? [state.writer] : barredPrimaries(state).map(({ target }) => target);
    }
    case 'primary':
      return state.writer ? [state.writer] : [];
    case 'replica':
      return replicas(state, config);
    default:
      return assertNever(use);
  }
}

/** Whoever could serve reads as a replica, whatever the mode. */
export function replicas(state: State, config: RouteConfig): readonly Target[] {
  if (state.system.kind === 'torn') return [];
  const fit = ours(state).filter(
    (member) =>
      member.standing.kind === 'proven' &&
      member.standing.role === 'replica' &&
      (config.maxReplicaLagBytes === Infinity ||
        (memberLagBytes(state, member) ?? Infinity) <= config.maxReplicaLagBytes),
  );
  const calm = fit.filter((member) => member.standing.kind === 'proven' && !member.standing.suspect);
  return (calm.length > 0 ? calm : fit).map((member) => member.target);
}

/** How far behind, when last heard. Null: unknown, or another database's. The writer is never behind. */
export function memberLagBytes(state: State, member: Member): number | null {
  return state.writer && sameTarget(member.target, state.writer) ? 0 : member.lagBytes;
}

/**
 * How old the data is that this member shows, at most. Nothing for the writer; for a replica, the time since we knew
 * of nothing that it has not replayed; else what the server says of its last replayed transaction. Null: unknown.
 */
export function memberAgeMs(state: State, member: Member, nowMs: number): number | null {
  if (state.writer && sameTarget(member.target, state.writer)) return 0;
  if (foreign(state, member)) return null;
  const { lsn, replayAgeMs, heardAtMs } = member;
  const has = lsn === null ? undefined : state.heads.findLast((head) => head.lsn <= lsn);
  if (has) return Math.max(0, nowMs - has.atMs);
  return replayAgeMs === null || heardAtMs === null ? null : replayAgeMs + (nowMs - heardAtMs);
}
