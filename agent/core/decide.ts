import { assertNever } from '../../common/assert-never.js';
import { serviceMeta, type Role } from '../../common/names.js';
import { plainText } from '../../common/plain-text.js';
import {
  sameMeta,
  sameSet,
  type Action,
  type CatalogueEntry,
  type CheckStatus,
  type Decision,
  type Observation,
  type Proven,
  type Reason,
  type Registration,
  type ServiceModel,
  type ServiceState,
} from './model.js';
import { isDoubtful, nextState, roleOf } from './state.js';
import { hasAnswered, obstacleText, troubleText } from './sentences.js';

/** So long, in ms, the other boxes have to hear that a service is going, before it is removed. */
export const farewellMs = 300;

/**
 * The one function that decides, for one service. Level-triggered: actions are the difference between what should
 * stand in Consul and what stands there, so a lost answer, a restarted Consul or a hand-made change all mend alike.
 */
export function decide(state: ServiceState, observation: Observation, config: ServiceModel): Decision {
  if (observation.stopping) return stopping(state, observation, config);
  const next = nextState(state, observation, config);
  const probeAgain = isDoubtful(state, observation, config)
    ? { deadlineShare: config.confirmingShare }
    : undefined;
  return { state: next, probeAgain, ...publish(next, observation, config) };
}

type Publication = Pick<Decision, 'actions' | 'reason'>;

function publish(state: ServiceState, observation: Observation, config: ServiceModel): Publication {
  if (observation.isSuperseded) return { actions: [], reason: { kind: 'superseded' } };
  if (state.kind === 'unseen') return { actions: [], reason: { kind: 'first-probe-pending' } };
  const { catalogue } = observation;
  switch (catalogue.kind) {
    case 'unread':
      return { actions: [], reason: { kind: 'consul-unread' } };
    case 'absent':
      return {
        actions: register(wantedOf(state, undefined, config), undefined, config),
        reason: { kind: 'not-registered' },
      };
    case 'present':
      return reconcile(state, catalogue.entry, observation, config);
    default:
      return assertNever(catalogue);
  }
}

function stopping(state: ServiceState, observation: Observation, config: ServiceModel): Decision {
  return {
    state,
    actions: farewell(observation, config.id),
    probeAgain: undefined,
    reason: { kind: 'stopping' },
  };
}

/**
 * Others doubt what just vanishes, so an entry is called critical first, and removed once that had the time to reach
 * them.
 */
function farewell({ catalogue, isSuperseded, nowMs }: Observation, id: string): Action[] {
  if (catalogue.kind !== 'present' || isSuperseded) return [];
  const { check } = catalogue.entry;
  if (check && check.status !== 'critical')
    return [{ kind: 'update-check', id, status: 'critical', text: stoppingText }];
  const isKnown = !check || check.text !== stoppingText || nowMs - (check.refreshedMs ?? 0) >= farewellMs;
  return isKnown ? [{ kind: 'deregister', id }] : [];
}

/** What should stand in Consul. */
interface Wanted {
  readonly status: CheckStatus;
  readonly text: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

const stoppingText = 'the agent is being stopped';
const nothingProven = 'not judged yet: the agent could not probe it so far';

function wantedOf(
  state: Exclude<ServiceState, { kind: 'unseen' }>,
  entry: CatalogueEntry | undefined,
  config: ServiceModel,
): Wanted {
  if (state.kind !== 'unknown') return wantedOfProven(state, entry, config);
  const known = state.last ? wantedOfProven(state.last, entry, config) : publishedBefore(entry, config);
  // It stays critical, but what was last proven, like "connection refused", is no longer why.
  return known.status === 'critical' && hasAnswered(state.obstacle)
    ? { ...known, text: plainText(obstacleText(state.obstacle)) }
    : known;
}

/** While nothing is proven: whatever an earlier run of the agent published stands, and is kept alive. */
function publishedBefore(entry: CatalogueEntry | undefined, config: ServiceModel): Wanted {
  const meta = { ...config.meta, ...systemIn(entry) };
  if (entry?.check) return { status: entry.check.status, text: entry.check.text, tags: entry.tags, meta };
  return { status: 'warning', text: nothingProven, tags: [], meta };
}

const systemMeta = (systemId: string | undefined) =>
  systemId === undefined ? {} : { [serviceMeta.system]: systemId };

/** What is published of which database it is: stands until it says something else. */
const systemIn = (entry: CatalogueEntry | undefined) => systemMeta(entry?.meta[serviceMeta.system]);

function wantedOfProven(proven: Proven, entry: CatalogueEntry | undefined, config: ServiceModel): Wanted {
  const role = roleOf(proven);
  switch (proven.kind) {
    case 'passing':
      return {
        status: 'passing',
        text: config.passingText,
        tags: role ? [role] : [],
        meta: {
          ...config.meta,
          ...systemMeta('systemId' in proven.facts ? proven.facts.systemId : undefined),
        },
      };
    case 'critical':
      // A member that went away while nobody watched keeps the tag it had: nothing said it changed its role.
      return {
        status: 'critical',
        text: plainText(troubleText(proven.trouble)),
        tags: role ? [role] : (entry?.tags.filter(isRole) ?? []),
        meta: { ...config.meta, ...systemIn(entry) },
      };
  }
}

function isRole(tag: string): tag is Role {
  return tag === 'primary' || tag === 'replica';
}

const rank: Record<CheckStatus, number> = { passing: 0, warning: 1, critical: 2 };

function reconcile(
  state: Exclude<ServiceState, { kind: 'unseen' }>,
  entry: CatalogueEntry,
  { nowMs, echo }: Observation,
  config: ServiceModel,
): Publication {
  const wanted = wantedOf(state, entry, config);
  const reason = difference(wanted, entry, nowMs, config);
  if (echo === 'missing' || echo === 'different')
    return {
      actions: register(wanted, entry, config),
      reason: { kind: 'catalogue-differs', isMissing: echo === 'missing' },
    };
  if (!entry.check) return { actions: register(wanted, entry, config), reason };
  switch (reason.kind) {
    case 'steady':
      return { actions: [], reason };
    case 'entry-differs': {
      const update = updateCheck(wanted, config);
      if (rank[wanted.status] > rank[entry.check.status]) {
        return { actions: [update, registration(wanted, entry, config)], reason };
      }
      return { actions: [registration(wanted, entry, config), update], reason };
    }
    default:
      return { actions: [updateCheck(wanted, config)], reason };
  }
}

function difference(wanted: Wanted, entry: CatalogueEntry, nowMs: number, config: ServiceModel): Reason {
  const { check } = entry;
  if (!check) return { kind: 'check-missing' };
  if (entry.address !== config.address || entry.port !== config.port || entry.name !== config.name)
    return { kind: 'entry-differs', what: 'address' };
  if (!sameSet(entry.tags, wanted.tags)) return { kind: 'entry-differs', what: 'tags' };
  if (!sameMeta(entry.meta, wanted.meta)) return { kind: 'entry-differs', what: 'meta' };
  if (check.status !== wanted.status)
    return { kind: 'status-differs', from: check.status, to: wanted.status };
  if (check.text !== wanted.text) return { kind: 'text-differs' };
  if (check.refreshedMs === undefined || nowMs - check.refreshedMs >= config.refreshMs)
    return { kind: 'refresh-due' };
  return { kind: 'steady' };
}

function register(wanted: Wanted, entry: CatalogueEntry | undefined, config: ServiceModel): Action[] {
  return [registration(wanted, entry, config), updateCheck(wanted, config)];
}

function registration(wanted: Wanted, entry: CatalogueEntry | undefined, config: ServiceModel): Action {
  const { id, name, address, port, checkTtlMs } = config;
  const { tags, meta } = wanted;
  const initialStatus = entry?.check?.status ?? wanted.status;
  const described: Registration = { id, name, address, port, tags, meta, checkTtlMs, initialStatus };
  return { kind: 'register', registration: described };
}

function updateCheck(wanted: Wanted, config: ServiceModel): Action {
  return { kind: 'update-check', id: config.id, status: wanted.status, text: wanted.text };
}
