import { assertNever } from '../../../common/assert-never.js';
import { higher } from '../history/epochs.js';
import type { Member, State, System } from '../model.js';

/** Null: not known, or not clear. */
export function idOf(system: System): string | null {
  switch (system.kind) {
    case 'own':
    case 'apparent':
      return system.systemId;
    case 'unknown':
    case 'torn':
      return null;
    default:
      return assertNever(system);
  }
}

/** A session's word comes before that of Consul. */
export const systemOf = ({ told, published }: Member): string | null => told?.systemId ?? published;

/** Known to be of another database than we: never used, whatever it is and whoever lists it. */
export function foreign({ system }: Pick<State, 'system'>, member: Member): boolean {
  const own = idOf(system);
  const theirs = systemOf(member);
  return own !== null && theirs !== null && theirs !== own;
}

export const ours = (state: State): readonly Member[] =>
  [...state.members.values()].filter((member) => !foreign(state, member));

/**
 * Until a session has been served: a primary that has shown itself decides, as long as it is listed or proven; without
 * one, the replicas do.
 */
function apparent(state: State): System {
  const heard = [...state.members.values()].filter(({ told }) => told !== null && told.systemId !== null);
  const shown = heard.filter(
    ({ told, listed, standing, bars }) =>
      told!.role === 'primary' && !bars.gated && (listed.length > 0 || standing.kind === 'proven'),
  );
  const deciding = shown.length > 0 ? shown : heard.filter(({ standing }) => standing.kind === 'proven');
  const systemIds = [...new Set(deciding.map(({ told }) => told!.systemId!))].sort();
  if (systemIds.length > 1) return { kind: 'torn', systemIds };
  const [systemId] = systemIds;
  return systemId === undefined ? { kind: 'unknown' } : { kind: 'apparent', systemId };
}

/** Brings `system` up to date with the members. */
export const settled = (state: State): State =>
  state.system.kind === 'own' ? state : belonging(state, apparent(state));

/** Timelines and positions of different databases cannot be compared: with another one all that was known of them goes. */
export function belonging(state: State, system: System): State {
  const id = idOf(system);
  if (id === idOf(state.system)) return { ...state, system };
  const epochs = [...state.members.values()].flatMap(({ epoch }) =>
    epoch !== null && epoch.systemId === id ? [epoch] : [],
  );
  const members = new Map([...state.members].map(([key, member]) => [key, { ...member, lagBytes: null }]));
  return { ...state, members, system, highest: epochs.reduce(higher, null), heads: [] };
}
