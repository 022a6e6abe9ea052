import type { PublishedHistory } from '../../../common/failover/published-history.js';
import type { Lookup, Member, State } from '../model.js';
import { idOf } from '../members/system.js';

type Floors = Readonly<Record<string, PublishedHistory>>;

/** Of each database the history of the newest promotion that a registration has told of. */
export function floorsWith({ floors, system }: State, lookup: Lookup): Floors {
  const told = lookup.kind === 'found' ? Object.values(lookup.histories ?? {}) : [];
  if (told.length === 0) return floors;
  const own = idOf(system);
  const next: Record<string, PublishedHistory> = {};
  if (own !== null && floors[own]) next[own] = floors[own];
  for (const history of told) {
    const before = next[history.systemId] ?? floors[history.systemId];
    next[history.systemId] = before && isAtLeast(before, history) ? before : history;
  }
  return next;
}

const isAtLeast = (a: PublishedHistory, b: PublishedHistory): boolean =>
  a.epoch > b.epoch || (a.epoch === b.epoch && a.timeline >= b.timeline);

/** Null: no registration has told of any. */
export function floorOf({ floors, system }: State): PublishedHistory | null {
  const own = idOf(system);
  return (own !== null && floors[own]) || null;
}

/** Whether this primary writes no history below the one that was registered. */
export function reachesFloor(state: State, { epoch }: Member): boolean {
  const floor = floorOf(state);
  return (
    floor === null ||
    (epoch !== null && epoch.systemId === floor.systemId && epoch.timeline >= floor.timeline)
  );
}
