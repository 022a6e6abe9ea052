import { assertNever } from '../../common/assert-never.js';
import { lagBytes } from '../../common/postgres/lsn.js';
import { sameTarget, targetKey, type Role } from '../../common/names.js';
import { conclude } from './mode/conclude.js';
import { headsWith, higher, sameEpoch } from './history/epochs.js';
import { barsOf } from './managed/bars.js';
import { idleSince, memberOf, proven, withMember } from './members/members.js';
import type {
  Decision,
  Effect,
  Epoch,
  Event,
  Member,
  RouteConfig,
  Standing,
  State,
  Trouble,
} from './model.js';
import { forget, propose } from './proposals.js';
import { foreign, idOf, ours, settled } from './members/system.js';

export const initialState: State = {
  members: new Map(),
  waiting: new Map(),
  mode: 'down',
  modeSinceMs: 0,
  reason: { kind: 'starting' },
  writer: null,
  system: { kind: 'unknown' },
  managed: false,
  floors: {},
  byHttpMs: { primary: null, replica: null },
  elsewhere: null,
  highest: null,
  heads: [],
  lookups: { primary: null, replica: null },
};

export const startOf = ({ systemId }: RouteConfig, nowMs: number): State => ({
  ...initialState,
  modeSinceMs: nowMs,
  system: systemId === null ? initialState.system : { kind: 'own', systemId, by: 'option' },
});

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
      // A session knows neither its timeline nor its system. Once those are known, it waits for its monitor's word.
      const behind = event.role === 'primary' && state.highest !== null && !sameEpoch(epoch, state.highest);
      // Nor does it know whether a gate is closed.
      const unsure = event.role === 'primary' && state.managed;
      const stranger = foreign(state, member) || (member.told === null && idOf(state.system) !== null);
      if (behind || stranger || unsure) return { state, effects: [probe] };
      const next = { ...member, standing: proven(event.role), idleSinceMs: null };
      return { state: withMember(state, next), effects: [probe] };
    }
    case 'heartbeat':
      return hear(state, event, nowMs);
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
      return fail(state, event, nowMs, config);
    case 'served':
      return serve(state);
    case 'acknowledgements': {
      const member = state.members.get(targetKey(event.target));
      if (!member || member.bars.stalled === event.missing) return { state, effects: [] };
      const bars = { ...member.bars, stalled: event.missing };
      return {
        state: withMember(state, { ...member, bars }),
        effects: [{ do: 'probe', target: event.target }],
      };
    }
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

/** The monitor's word. */
function hear(state: State, event: Event & { type: 'heartbeat' }, nowMs: number): Decision {
  const { target, role, systemId, timeline, withheld, lsn } = event;
  const member = memberOf(state, target);
  const { standing } = member;
  if (overtaken(standing, role) && !standing.contradicted)
    return {
      state: withMember(state, { ...member, standing: { ...standing, contradicted: true } }),
      effects: [{ do: 'probe', target }],
    };
  const bars = barsOf(member, event, nowMs);
  // Behind its gate it may have been promoted by mistake: that history counts for nothing, now and later.
  const shows = role === 'primary' && timeline !== null && !bars.gated;
  const epoch: Epoch | null = shows ? { systemId, timeline } : null;
  const heard: Member = {
    ...member,
    standing: proven(role),
    idleSinceMs: null,
    told: { role, systemId, withheld },
    // What it does not say now, it may have said before: its timeline can only have become higher.
    epoch: epoch ?? (member.epoch?.systemId === systemId ? member.epoch : null),
    lsn,
    lagBytes: null,
    replayAgeMs: event.replayAgeMs,
    heardAtMs: nowMs,
    bars,
  };
  const managed = state.managed || event.gate !== undefined;
  const next = settled(withMember({ ...state, managed }, heard));
  if (foreign(next, heard) || !next.members.has(targetKey(target))) return { state: next, effects: [] };
  const own = epoch !== null && epoch.systemId === idOf(next.system);
  const highest = own ? higher(next.highest, epoch) : next.highest;
  const heads = headsWith({ ...next, highest }, epoch, event, nowMs);
  const head = heads.at(-1);
  const behind = head && lsn !== null ? lagBytes(head.lsn, lsn) : null;
  return { state: { ...withMember(next, { ...heard, lagBytes: behind }), highest, heads }, effects: [] };
}

/** With the first session that is served it is decided where this process belongs; what comes later is only shown. */
function serve(state: State): Decision {
  if (state.system.kind !== 'apparent') return { state, effects: [] };
  const { systemId } = state.system;
  return {
    state: { ...state, system: { kind: 'own', systemId, by: 'proof' } },
    effects: [{ do: 'remember', systemId }],
  };
}

type Failed = Event & { type: 'failed' };

/** What even a single session cannot be wrong about. */
const verdicts: readonly Trouble['kind'][] = ['refused', 'not-ready', 'crashed'];

/**
 * After these nobody waits for a connection that still seems to stand. Backends that have outlived their postmaster will
 * end within a moment, but one that is busy may go on for long, and acknowledge what nobody replicates.
 */
const hopeless: readonly Trouble['kind'][] = ['timed-out', 'unreachable', 'crashed'];

const isOurs = ({ kind }: Trouble): boolean => kind === 'held-up' || kind === 'own-side';

function fail(state: State, event: Failed, nowMs: number, config: RouteConfig): Decision {
  const member = state.members.get(targetKey(event.target));
  if (!member) return { state, effects: [] };
  const wasProven = member.standing.kind === 'proven';
  const { trouble } = event;
  const calm = member.standing.kind === 'proven' && !member.standing.suspect;
  // Our monitor is connected and content: one session that was rejected or slow says nothing about the server.
  const believable = event.by === 'monitor' || verdicts.includes(trouble.kind);
  if (calm && !believable) return { state, effects: [{ do: 'probe', target: event.target }] };
  if (event.by === 'session' && !wasProven) return { state, effects: [] };
  // What we lack ourselves says nothing about it: as long as a session of ours lives, that one's word counts.
  // A full server is alive (53300). So is one that lets nobody new in (a changed password) while sessions of ours live
  // on: they serve, and they hear of a change of its role. With the last of them it is gone, at the next attempt.
  const alive =
    (trouble.kind === 'rejected' && (event.sessionsLive || trouble.code === '53300')) ||
    (isOurs(trouble) && event.sessionsLive);
  if (wasProven && alive) return { state, effects: [] };
  const doubted = doubt(state, member, event, nowMs, config);
  if (doubted) return { state: withMember(state, { ...member, standing: doubted }), effects: [] };
  const standing: Standing = { kind: 'gone', trouble };
  const next: Member = { ...member, standing };
  const effects: Effect[] = hopeless.includes(trouble.kind) ? [{ do: 'destroy', target: event.target }] : [];
  if (wasProven) effects.push({ do: 'lookup' });
  return {
    state: withMember(state, { ...next, idleSinceMs: idleSince(next.listed, next, nowMs) }),
    effects,
  };
}

/** The last replica is asked so often again before its silence is believed. */
const silencesOfTheLast = 2;

/**
 * Giving up the only member that serves gains nothing, and on a machine where everybody waits for the processor a silent
 * replica may only be slow. So it is kept, and its sessions with it, while its monitor tries anew. What it says itself (a closed
 * socket, a refusal) counts at once, as ever. A member that has been silent for a while itself is not counted on.
 */
function doubt(
  state: State,
  { target, standing }: Member,
  { trouble, by }: Failed,
  nowMs: number,
  { freshMs }: RouteConfig,
): Standing | null {
  if (trouble.kind !== 'timed-out' || standing.kind !== 'proven' || standing.role !== 'replica') return null;
  const another = ours(state).some(
    (other) =>
      !sameTarget(other.target, target) &&
      other.standing.kind === 'proven' &&
      nowMs - (other.heardAtMs ?? -Infinity) < freshMs,
  );
  if (another || standing.silences >= silencesOfTheLast) return null;
  return { ...standing, suspect: true, silences: standing.silences + (by === 'monitor' ? 1 : 0) };
}

/** Nobody was asked while this process did not run, so that time counts for nothing. */
function awake(state: State, sleptMs: number): State {
  if (sleptMs === 0) return state;
  const members = [...state.members].map(([key, member]): [string, Member] => [
    key,
    member.idleSinceMs === null ? member : { ...member, idleSinceMs: member.idleSinceMs + sleptMs },
  ]);
  const elsewhere = state.elsewhere && {
    ...state.elsewhere,
    sinceMs: state.elsewhere.sinceMs + sleptMs,
  };
  return { ...state, members: new Map(members), elsewhere };
}

/**
 * A server that runs may become a primary, never a replica: for that it has to start again, and all its sessions end. So
 * when one that is proven to be the primary is said to be a replica while its monitor's session stands, the promotion has
 * overtaken that word: an answer on its way, a log-in begun before. It is asked again, and the second answer counts.
 */
const overtaken = (standing: Standing, role: Role): standing is Standing & { kind: 'proven' } =>
  role === 'replica' && standing.kind === 'proven' && standing.role === 'primary' && !standing.suspect;
