import { assertNever } from '../../common/assert-never.js';
import type { Role } from '../../common/names.js';
import type {
  Health,
  ServiceState,
  Observation,
  ProbeResult,
  Proven,
  Remembered,
  ServiceModel,
  Trouble,
} from './model.js';

type Known = Pick<ServiceState, 'health' | 'missesInARow' | 'probedMs'>;
type Seen = Pick<Observation, 'probe' | 'wallMs'>;
type Patience = Pick<ServiceModel, 'missesToBelieve'>;

/** What is known of the member after an observation. "Since" moves only when the kind or the role does. */
export function healthAfter(before: Known, seen: Seen, config: Patience): Known {
  const { probe, wallMs } = seen;
  if (!probe) return before;
  const { askedMs, result } = probe;
  return {
    health: doubtOf(before, seen, config) ? before.health : nextHealth(before.health, result, wallMs),
    missesInARow: missesAfter(before, result),
    probedMs: Math.max(before.probedMs ?? askedMs, askedMs),
  };
}

/** Whether what was just found changes nothing yet. A member that is down is not doubted: it stays down. */
export function doubtOf(before: Known, { probe }: Seen, { missesToBelieve }: Patience): true | undefined {
  if (!probe || !isMiss(probe.result) || before.health.kind === 'critical') return undefined;
  return missesAfter(before, probe.result) < missesToBelieve || undefined;
}

function missesAfter({ missesInARow }: Known, result: ProbeResult): number {
  return isMiss(result) ? missesInARow + 1 : 0;
}

function nextHealth(health: Health, result: ProbeResult, wallMs: number): Health {
  switch (result.kind) {
    case 'passing':
      return dated(health, { kind: 'passing', facts: result.facts, sinceMs: wallMs });
    case 'critical':
      return dated(health, {
        kind: 'critical',
        trouble: troubleAfter(health, result.trouble),
        role: roleOf(health),
        sinceMs: wallMs,
      });
    case 'unknown':
      return dated(health, {
        kind: 'unknown',
        obstacle: result.obstacle,
        last: provenIn(health),
        sinceMs: wallMs,
      });
    default:
      return assertNever(result);
  }
}

/** No answer within one deadline or another is the same trouble: what the check says does not change for it. */
function troubleAfter(health: Health, trouble: Trouble): Trouble {
  const isSame =
    health.kind === 'critical' && health.trouble.kind === 'no-answer' && trouble.kind === 'no-answer';
  return isSame ? health.trouble : trouble;
}

/** No answer in time: the only trouble that may be over by the next probe, as a stall of an app is. */
function isMiss(result: ProbeResult): boolean {
  return result.kind === 'critical' && result.trouble.kind === 'no-answer';
}

/** The role last proven (or, before the first probe, remembered from an earlier run). */
export function roleOf(health: Health): Role | undefined {
  switch (health.kind) {
    case 'unseen':
      return health.remembered?.role;
    case 'passing':
      return 'role' in health.facts ? health.facts.role : undefined;
    case 'critical':
      return health.role;
    case 'unknown':
      return health.last && roleOf(health.last);
    default:
      return assertNever(health);
  }
}

/** Whether a standby receives WAL, by the newest probe. */
export const streamingOf = (health: Health | undefined): boolean | undefined =>
  health?.kind === 'passing' && 'streaming' in health.facts ? health.facts.streaming : undefined;

/** Undefined: it is not known, or the member is on its way. */
export function isServing(health: Health | undefined): boolean | undefined {
  if (health?.kind === 'passing') return true;
  return health?.kind === 'critical' && health.trouble.kind !== 'not-accepting' ? false : undefined;
}

function provenIn(health: Health): Proven | undefined {
  if (health.kind === 'unknown') return health.last;
  return health.kind === 'unseen' ? undefined : health;
}

/**
 * Keeps the older date when nothing a person would call a change happened: the same kind and role as before, as before
 * a spell in which it could not be judged, or as an earlier run of the agent remembered.
 */
function dated(
  before: Health,
  after: Exclude<Health, { kind: 'unseen' }>,
): Exclude<Health, { kind: 'unseen' }> {
  const same = earlierOf(before).find(
    (earlier) => earlier?.kind === after.kind && earlier.role === roleOf(after),
  );
  return same ? { ...after, sinceMs: same.sinceMs } : after;
}

function earlierOf(before: Health): (Remembered | undefined)[] {
  if (before.kind === 'unseen') return [before.remembered];
  const { kind, sinceMs } = before;
  const itself = { kind, sinceMs, role: roleOf(before) };
  return before.kind === 'unknown' && before.last ? [itself, ...earlierOf(before.last)] : [itself];
}
