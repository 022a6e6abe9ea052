import { targetKey } from '../../common/names.js';
import { idleSince, newMember } from './members.js';
import type { Decision, Effect, Event, Lookup, RouteConfig, State } from './model.js';
import { moveAfterMs } from './moving.js';
import { belonging } from './system.js';

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
  const members = new Map(state.members);
  const effects: Effect[] = [];
  for (const target of targets) {
    const key = targetKey(target);
    const member = members.get(key);
    if (!member) effects.push({ do: 'watch', target });
    else if (member.standing.kind !== 'proven') effects.push({ do: 'probe', target });
    members.set(key, member ?? { ...newMember(target), idleSinceMs: nowMs });
  }
  if (!lists) return { state: { ...state, members }, effects };
  for (const [key, member] of members) {
    const others = member.listed.filter((listedRole) => listedRole !== role);
    const listed = named.has(key) ? [...others, role] : others;
    // The catalogue no longer calls it so: ask the member, believe the member.
    if (listed.length < member.listed.length && member.standing.kind === 'proven')
      effects.push({ do: 'probe', target: member.target });
    const published = source === 'http' && named.has(key) ? publishedIn(lookup, key) : member.published;
    members.set(key, { ...member, listed, published, idleSinceMs: idleSince(listed, member, nowMs) });
  }
  const byHttpMs = { ...state.byHttpMs, [role]: source === 'http' ? nowMs : null };
  return { state: { ...state, lookups, members, byHttpMs }, effects };
}

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
  const somebodyListed = [...state.members.values()].some((member) => member.listed.length > 0);
  const members = new Map(state.members);
  for (const [key, member] of state.members) {
    // The last ones we know are never forgotten: an empty catalogue must not leave us with nobody to ask.
    if (!somebodyListed || member.idleSinceMs === null) continue;
    if (nowMs - member.idleSinceMs < config.forgetAfterMs) continue;
    members.delete(key);
    effects.push({ do: 'unwatch', target: member.target });
  }
  return { state: { ...state, members }, effects };
}
