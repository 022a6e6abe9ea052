import { assertNever } from '../../common/assert-never.js';
import { lagBytes } from '../../common/lsn.js';
import { sameTarget, targetKey, type Mode, type Role, type Target } from '../../common/names.js';
import { eligible } from './eligible.js';
import { headsWith, highestWith, sameEpoch } from './epochs.js';
import { atStart, chooseWriter, explain, primaryMayFollow, unheard } from './judgement.js';
import type { Decision, Effect, Event, Member, RouteConfig, Standing, State, Trouble } from './model.js';
import type { Reason } from './reasons.js';

export const initialState: State = {
  members: new Map(),
  mode: 'down',
  modeSinceMs: 0,
  reason: { kind: 'starting' },
  writer: null,
  highest: null,
  heads: [],
  lookups: { primary: null, replica: null },
};

/**
 * The one function that decides. Lookups propose members; only sessions prove what a member is; the mode follows from
 * the proofs alone.
 */
export function route(state: State, event: Event, nowMs: number, config: RouteConfig): Decision {
  const { state: observed, effects: asked } = observe(state, event, nowMs, config);
  return conclude(state, observed, asked, nowMs, config);
}

/** What the event says about members, and what it asks for by itself. */
function observe(state: State, event: Event, nowMs: number, config: RouteConfig): Decision {
  switch (event.type) {
    case 'proposal':
      return propose(state, event, nowMs);
    case 'proved': {
      const member = memberOf(state, event.target);
      const { standing, epoch } = member;
      if (standing.kind === 'proven' && standing.role === event.role) return { state, effects: [] };
      const probe: Effect = { do: 'probe', target: event.target };
      if (overtaken(standing, event.role)) return { state, effects: [probe] };
      // A session does not know its timeline. Once epochs are known, a new primary waits for its monitor's word.
      if (event.role === 'primary' && state.highest !== null && !sameEpoch(epoch, state.highest))
        return { state, effects: [probe] };
      const next = { ...member, standing: proven(event.role), idleSinceMs: null };
      return { state: withMember(state, next), effects: [probe] };
    }
    case 'heartbeat': {
      const member = memberOf(state, event.target);
      const { standing } = member;
      if (overtaken(standing, event.role) && !standing.contradicted)
        return {
          state: withMember(state, { ...member, standing: { ...standing, contradicted: true } }),
          effects: [{ do: 'probe', target: event.target }],
        };
      const highest = highestWith(state, event);
      const heads = headsWith(state, highest, event, nowMs);
      const head = heads.at(-1);
      const next = withMember(state, {
        ...member,
        standing: proven(event.role),
        idleSinceMs: null,
        epoch: event.epoch ?? member.epoch,
        lsn: event.lsn,
        lagBytes: head && event.lsn !== null ? lagBytes(head.lsn, event.lsn) : null,
        replayAgeMs: event.replayAgeMs,
        heardAtMs: nowMs,
      });
      return {
        state: { ...next, highest, heads },
        effects: [],
      };
    }
    case 'lost': {
      const member = state.members.get(targetKey(event.target));
      if (!member || member.standing.kind !== 'proven') return { state, effects: [] };
      // A single session may end for its own reasons: the monitor's fresh attempt gives the verdict, in milliseconds.
      const standing: Standing =
        event.by === 'monitor' ? { ...member.standing, suspect: true } : member.standing;
      return {
        state: withMember(state, { ...member, standing }),
        effects: [{ do: 'probe', target: event.target }],
      };
    }
    case 'failed':
      return fail(state, event, nowMs);
    case 'write-refused': {
      const writes = state.writer !== null && sameTarget(state.writer, event.target);
      return { state, effects: writes ? [{ do: 'probe', target: event.target }] : [] };
    }
    case 'tick':
      return forget(awake(state, event.sleptMs ?? 0), nowMs, config);
    default:
      return assertNever(event);
  }
}

function propose(state: State, event: Event & { type: 'proposal' }, nowMs: number): Decision {
  const { role, lookup, source } = event;
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
    members.set(key, { ...member, listed, idleSinceMs: idleSince(listed, member, nowMs) });
  }
  return { state: { ...state, lookups, members }, effects };
}

/** What even a single session cannot be wrong about. */
const verdicts: readonly Trouble['kind'][] = ['refused', 'not-ready', 'crashed'];

/**
 * After these nobody waits for a connection that still seems to stand. Backends that have outlived their postmaster will
 * end within a moment, but one that is busy may go on for long, and acknowledge what nobody replicates.
 */
const hopeless: readonly Trouble['kind'][] = ['timed-out', 'unreachable', 'crashed'];

function fail(state: State, event: Event & { type: 'failed' }, nowMs: number): Decision {
  const member = state.members.get(targetKey(event.target));
  if (!member) return { state, effects: [] };
  const wasProven = member.standing.kind === 'proven';
  const { trouble } = event;
  const calm = member.standing.kind === 'proven' && !member.standing.suspect;
  // Our monitor is connected and content: one session that was rejected or slow says nothing about the server.
  const believable = event.by === 'monitor' || verdicts.includes(trouble.kind);
  if (calm && !believable) return { state, effects: [{ do: 'probe', target: event.target }] };
  if (event.by === 'session' && !wasProven) return { state, effects: [] };
  // A full server is alive (53300). So is one that lets nobody new in (a changed password) while sessions of ours live
  // on: they serve, and they hear of a change of its role. With the last of them it is gone, at the next attempt.
  const alive =
    (trouble.kind === 'rejected' && (event.sessionsLive || trouble.code === '53300')) ||
    (trouble.kind === 'held-up' && event.sessionsLive);
  if (wasProven && alive) return { state, effects: [] };
  const standing: Standing = { kind: 'gone', trouble };
  const next: Member = { ...member, standing };
  const effects: Effect[] = hopeless.includes(trouble.kind) ? [{ do: 'destroy', target: event.target }] : [];
  if (wasProven) effects.push({ do: 'lookup' });
  return {
    state: withMember(state, { ...next, idleSinceMs: idleSince(next.listed, next, nowMs) }),
    effects,
  };
}

/** Nobody was asked while this process did not run, so that time counts for nothing. */
function awake(state: State, sleptMs: number): State {
  if (sleptMs === 0) return state;
  const members = [...state.members].map(([key, member]): [string, Member] => [
    key,
    member.idleSinceMs === null ? member : { ...member, idleSinceMs: member.idleSinceMs + sleptMs },
  ]);
  return { ...state, members: new Map(members) };
}

function forget(state: State, nowMs: number, config: RouteConfig): Decision {
  const effects: Effect[] = [];
  if (state.mode !== 'read-write') effects.push({ do: 'lookup' });
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

/** From the members to writer, mode and the effects of their change. */
function conclude(
  before: State,
  observed: State,
  asked: readonly Effect[],
  nowMs: number,
  config: RouteConfig,
): Decision {
  const writer = chooseWriter(observed);
  const withWriter: State = { ...observed, writer };
  const starting = atStart(before) && writer === null && primaryMayFollow(observed);
  const mode: Mode = writer
    ? 'read-write'
    : !starting && eligible(withWriter, 'replica', config).length > 0
      ? 'read-only'
      : 'down';
  const changed = mode !== before.mode;
  const moved = writer !== null && before.writer !== null && !sameTarget(writer, before.writer);
  const reason: Reason = starting
    ? before.reason
    : changed || moved || unheard(before)
      ? explain(before, withWriter, config)
      : before.reason;
  const state: State = {
    ...withWriter,
    mode,
    reason,
    modeSinceMs: changed ? nowMs : before.modeSinceMs,
  };
  const effects = [...asked];
  if (unfit(before, state, config)) effects.push({ do: 'retire' });
  if (changed) effects.push({ do: 'mode', mode, previous: before.mode, reason });
  if (before.writer && !writer) effects.push({ do: 'lookup' });
  return { state, effects: inOrder(effects) };
}

/** Whether a session that fitted before may not fit any more. */
function unfit(before: State, after: State, config: RouteConfig): boolean {
  return (['main', 'read'] as const).some((use) => {
    const now = eligible(after, use, config);
    return eligible(before, use, config).some((target) => !now.some((other) => sameTarget(other, target)));
  });
}

const order: readonly Effect['do'][] = ['destroy', 'retire', 'mode', 'watch', 'unwatch', 'probe', 'lookup'];

function inOrder(effects: readonly Effect[]): readonly Effect[] {
  const once = new Map<string, Effect>();
  for (const effect of effects)
    once.set('target' in effect ? `${effect.do} ${targetKey(effect.target)}` : effect.do, effect);
  return [...once.values()].sort((a, b) => order.indexOf(a.do) - order.indexOf(b.do));
}

function newMember(target: Target): Member {
  return {
    target,
    standing: { kind: 'unknown' },
    listed: [],
    idleSinceMs: null,
    epoch: null,
    lsn: null,
    lagBytes: null,
    heardAtMs: null,
    replayAgeMs: null,
  };
}

const memberOf = (state: State, target: Target): Member =>
  state.members.get(targetKey(target)) ?? newMember(target);

/** Only members that were proposed are kept: a late report about a forgotten one does not bring it back. */
function withMember(state: State, member: Member): State {
  const key = targetKey(member.target);
  if (!state.members.has(key)) return state;
  return { ...state, members: new Map(state.members).set(key, member) };
}

const proven = (role: Role): Standing => ({ kind: 'proven', role, suspect: false, contradicted: false });

/**
 * A server that runs may become a primary, never a replica: for that it has to start again, and all its sessions end. So
 * when one that is proven to be the primary is said to be a replica while its monitor's session stands, the promotion has
 * overtaken that word: an answer on its way, a log-in begun before. It is asked again, and the second answer counts.
 */
const overtaken = (standing: Standing, role: Role): standing is Standing & { kind: 'proven' } =>
  role === 'replica' && standing.kind === 'proven' && standing.role === 'primary' && !standing.suspect;

function idleSince(listed: readonly Role[], member: Member, nowMs: number): number | null {
  if (listed.length > 0 || member.standing.kind === 'proven') return null;
  return member.idleSinceMs ?? nowMs;
}
