import { assertNever } from '../../common/assert-never.js';
import type { Role } from '../../common/names.js';
import type {
  Observation,
  ProbeResult,
  Proven,
  Remembered,
  ServiceModel,
  ServiceState,
  Trouble,
} from './model.js';

/** The state after an observation. "Since" moves only when the kind or the role does. */
export function nextState(
  state: ServiceState,
  observation: Observation,
  config: Pick<ServiceModel, 'missesToBelieve'>,
): ServiceState {
  const { probe, wallMs } = observation;
  if (!probe || isDoubtful(state, observation, config)) return state;
  switch (probe.kind) {
    case 'passing':
      return dated(state, { kind: 'passing', facts: probe.facts, sinceMs: wallMs });
    case 'critical':
      return dated(state, {
        kind: 'critical',
        trouble: troubleAfter(state, probe.trouble),
        role: roleOf(state),
        sinceMs: wallMs,
      });
    case 'unknown':
      return dated(state, {
        kind: 'unknown',
        obstacle: probe.obstacle,
        last: provenIn(state),
        sinceMs: wallMs,
      });
    default:
      return assertNever(probe);
  }
}

/** No answer within one deadline or another is the same trouble: what the check says does not change for it. */
function troubleAfter(state: ServiceState, trouble: Trouble): Trouble {
  const isSame =
    state.kind === 'critical' && state.trouble.kind === 'no-answer' && trouble.kind === 'no-answer';
  return isSame ? state.trouble : trouble;
}

/** No answer in time: the only trouble that may be over by the next probe, as a stall of an app is. */
export function isMiss(probe: ProbeResult): boolean {
  return probe.kind === 'critical' && probe.trouble.kind === 'no-answer';
}

/** Whether the newest probe changes nothing yet. A member that is down is not doubted: it stays down. */
export function isDoubtful(
  state: ServiceState,
  { probe, missesInARow }: Observation,
  { missesToBelieve }: Pick<ServiceModel, 'missesToBelieve'>,
): boolean {
  return probe !== undefined && isMiss(probe) && state.kind !== 'critical' && missesInARow < missesToBelieve;
}

/** The role last proven (or, before the first probe, remembered from an earlier run). */
export function roleOf(state: ServiceState): Role | undefined {
  switch (state.kind) {
    case 'unseen':
      return state.remembered?.role;
    case 'passing':
      return 'role' in state.facts ? state.facts.role : undefined;
    case 'critical':
      return state.role;
    case 'unknown':
      return state.last && roleOf(state.last);
    default:
      return assertNever(state);
  }
}

function provenIn(state: ServiceState): Proven | undefined {
  if (state.kind === 'unknown') return state.last;
  return state.kind === 'unseen' ? undefined : state;
}

/**
 * Keeps the older date when nothing a person would call a change happened: the same kind and role as before, as before
 * a spell in which it could not be judged, or as an earlier run of the agent remembered.
 */
function dated(
  before: ServiceState,
  after: Exclude<ServiceState, { kind: 'unseen' }>,
): Exclude<ServiceState, { kind: 'unseen' }> {
  const same = earlierOf(before).find(
    (earlier) => earlier?.kind === after.kind && earlier.role === roleOf(after),
  );
  return same ? { ...after, sinceMs: same.sinceMs } : after;
}

function earlierOf(before: ServiceState): (Remembered | undefined)[] {
  if (before.kind === 'unseen') return [before.remembered];
  const { kind, sinceMs } = before;
  const itself = { kind, sinceMs, role: roleOf(before) };
  return before.kind === 'unknown' && before.last ? [itself, ...earlierOf(before.last)] : [itself];
}
