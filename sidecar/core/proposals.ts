import { targetKey, type Role } from '../../common/names.js';
import { floorsWith } from './managed/floor.js';
import { idleSince, newMember } from './members/members.js';
import type { Decision, Effect, Event, Lookup, Member, RouteConfig, State } from './model.js';
import { moveAfterMs } from './members/moving.js';
import { everybody, rotated, seated, somebodyListed } from './members/seats.js';
import { belonging } from './members/system.js';

type Proposal = Event & { type: 'proposal' };

/** What a lookup says about who there is. */
export function propose(before: State, event: Proposal, nowMs: number): Decision {
  const { role, lookup, source } = event;
  const state = remembering(before, event);
  const lookups =
    source === 'dns' || source === 'http' ? { ...state.lookups, [role]: lookup.kind } : state.lookups;
  // No answer is no knowledge: whatever was listed stays listed.
  if (lookup.kind === 'unavailable') return { state: { ...state, lookups }, effects: [] };
  const targets = lookup.kind === 'found' ? lookup.targets : [];
  // Memory lists nobody once the catalogue has spoken of that role; whom it names is worth asking all the same.
  const lists = source !== 'cache' || state.lookups[role] === null || state.lookups[role] === 'unavailable';
  const named = new Set(targets.map(targetKey));
  const all = everybody(state);
  const probes: Effect[] = [];
  const remembered = source === 'cache';
  for (const target of targets) {
    const key = targetKey(target);
    const member = all.get(key);
    if (member && state.members.has(key) && isNews(member, role, lists)) probes.push({ do: 'probe', target });
    all.set(key, member ?? { ...newMember(target), remembered, idleSinceMs: nowMs });
  }
  if (!lists) {
    const { seats, effects } = seated(state, all);
    return { state: { ...state, ...seats }, effects: [...effects, ...probes] };
  }
  const left: string[] = [];
  for (const [key, member] of all) {
    const others = member.listed.filter((listedRole) => listedRole !== role);
    const listed = named.has(key) ? [...others, role] : others;
    // The catalogue no longer calls it so: ask the member, believe the member.
    if (listed.length < member.listed.length && member.standing.kind === 'proven')
      probes.push({ do: 'probe', target: member.target });
    if (listed.length < member.listed.length && listed.length === 0 && nothingToLose(member)) left.push(key);
    const published = source === 'http' && named.has(key) ? publishedIn(lookup, key) : member.published;
    all.set(key, { ...member, listed, published, idleSinceMs: idleSince(listed, member, nowMs) });
  }
  if (somebodyListed(all)) for (const key of left) all.delete(key);
  const { seats, effects } = seated(state, all);
  const byHttpMs = { ...state.byHttpMs, [role]: source === 'http' ? nowMs : null };
  const floors = source === 'http' ? floorsWith(state, lookup) : state.floors;
  const managed = state.managed || Object.keys(floors).length > 0;
  return {
    state: { ...state, lookups, ...seats, byHttpMs, floors, managed },
    effects: [...effects, ...probes],
  };
}

/** Whether what is said of it is worth asking it: it is not proven, or not as what it is newly listed as. */
const isNews = ({ standing, listed, bars }: Member, role: Role, lists: boolean): boolean =>
  standing.kind !== 'proven' ||
  (lists && !listed.includes(role) && (standing.role !== role || bars.gated || bars.drained));

/** It has never shown anything: with its place in the list it has lost all that spoke for it. */
const nothingToLose = ({ told, standing, remembered }: Member): boolean =>
  told === null && standing.kind !== 'proven' && !remembered;

const publishedIn = (lookup: Lookup, key: string): string | null =>
  (lookup.kind === 'found' && lookup.systems?.[key]) || null;

/** Memory knows where this process belongs as long as nothing else has decided it. */
function remembering(state: State, { remembered = null }: Proposal): State {
  if (remembered === null || state.system.kind === 'own') return state;
  return belonging(state, { kind: 'own', systemId: remembered, by: 'memory' });
}

/** With time. */
export function forget(state: State, nowMs: number, config: RouteConfig): Decision {
  const effects: Effect[] = [];
  if (state.mode !== 'read-write') effects.push({ do: 'lookup' });
  if (state.elsewhere && nowMs - state.elsewhere.sinceMs >= moveAfterMs) effects.push({ do: 'confirm' });
  const listed = somebodyListed(everybody(state));
  const members = new Map(state.members);
  for (const [key, member] of state.members) {
    // The last ones we know are never forgotten: an empty catalogue must not leave us with nobody to ask.
    if (!listed || member.idleSinceMs === null) continue;
    if (nowMs - member.idleSinceMs < config.forgetAfterMs) continue;
    members.delete(key);
  }
  const aged = seated(state, new Map([...members, ...state.waiting]));
  const turn = rotated({ ...state, ...aged.seats });
  return { state: { ...state, ...turn.seats }, effects: [...effects, ...aged.effects, ...turn.effects] };
}
