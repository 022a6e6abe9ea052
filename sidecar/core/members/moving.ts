import type { Member, State } from '../model.js';
import { belonging, idOf, systemOf } from './system.js';

/** For so long Consul's HTTP API must have said the same. */
export const moveAfterMs = 3_000;

/**
 * The other database of which HTTP lists members, and of no other, with a primary that proves itself. A listed member that
 * may be one of ours holds us: what is not known is not another's.
 */
function listedElsewhere(state: State): string | null {
  const { byHttpMs, members, system, waiting } = state;
  if (waiting.size > 0) return null;
  if (byHttpMs.primary === null || byHttpMs.replica === null) return null;
  const listed = [...members.values()].filter((member) => member.listed.length > 0);
  const ids = new Set(listed.map(systemOf));
  const [id = null] = ids;
  if (ids.size !== 1 || id === null || id === idOf(system)) return null;
  return listed.some((member) => provesPrimary(member, id)) ? id : null;
}

const provesPrimary = ({ listed, standing, told, bars }: Member, systemId: string): boolean =>
  listed.includes('primary') &&
  standing.kind === 'proven' &&
  standing.role === 'primary' &&
  !bars.gated &&
  told?.systemId === systemId;

/** The same state, with what HTTP says of another database; belonging to that one when it has been said for long enough. */
export function withMove(state: State, nowMs: number): State {
  const { system, byHttpMs } = state;
  const id = system.kind === 'own' && system.by === 'option' ? null : listedElsewhere(state);
  if (id === null) return state.elsewhere === null ? state : { ...state, elsewhere: null };
  if (state.elsewhere?.systemId !== id) return { ...state, elsewhere: { systemId: id, sinceMs: nowMs } };
  const saidMs = Math.min(byHttpMs.primary!, byHttpMs.replica!);
  if (saidMs - state.elsewhere.sinceMs < moveAfterMs) return state;
  return belonging({ ...state, elsewhere: null }, { kind: 'own', systemId: id, by: 'move' });
}
