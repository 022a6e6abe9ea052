import { serviceMeta, type Role } from '../../../common/names.js';
import { assertNever } from '../../../common/assert-never.js';
import { promotionMeta } from '../../../common/failover/published-history.js';
import { plainText } from '../../../common/text/plain-text.js';
import {
  sameMeta,
  sameSet,
  type Action,
  type CatalogueEntry,
  type CheckStatus,
  type Health,
  type LeadWord,
  type ServiceState,
  type Observation,
  type Proven,
  type Reason,
  type Registration,
  type ServiceModel,
} from '../model.js';
import { roleOf } from '../health.js';
import { farewell } from './farewell.js';
import { nothing, type Publication } from './publication.js';
import { hasAnswered, obstacleText, troubleText } from '../kinds/index.js';

/**
 * What is to be written into Consul. Level-triggered: actions are the difference between what should stand there and what
 * stands there, so a lost answer, a restarted Consul or a hand-made change all mend alike.
 */
export function publish(state: ServiceState, observation: Observation, config: ServiceModel): Publication {
  const { health, probedMs = -Infinity, publishing } = state;
  const { catalogue, isLeaving, isSuperseded, nowMs, stoppingSinceMs } = observation;
  if (isSuperseded) return nothing({ kind: 'superseded' });
  if (nowMs < publishing.notBeforeMs)
    return nothing({ kind: 'backing-off', untilMs: publishing.notBeforeMs }, publishing.notBeforeMs);
  if (isLeaving) return farewell(observation, config.id);
  if (health.kind === 'unseen') return nothing({ kind: 'first-probe-pending' });
  if (nowMs - probedMs > config.probeStaleMs) return nothing({ kind: 'probe-stale' });
  switch (catalogue.kind) {
    case 'unread':
      return nothing({ kind: 'consul-unread', why: catalogue.why });
    case 'absent':
      // It would stand there for ever, with nothing that keeps it true.
      if (stoppingSinceMs !== undefined) return nothing({ kind: 'stopping' });
      return {
        actions: register(wantedOf(health, undefined, observation, config), undefined, config),
        reason: { kind: 'not-registered' },
        wakeAtMs: undefined,
      };
    case 'present':
      return reconcile(health, catalogue.entry, observation, config);
    default:
      return assertNever(catalogue);
  }
}

type Judged = Exclude<Health, { kind: 'unseen' }>;

/** What should stand in Consul. */
interface Wanted {
  readonly status: CheckStatus;
  readonly text: string;
  readonly tags: readonly string[];
  readonly meta: Readonly<Record<string, string>>;
}

const nothingProven = 'not judged yet: the agent could not probe it so far';

function wantedOf(
  health: Judged,
  entry: CatalogueEntry | undefined,
  { lead }: Observation,
  config: ServiceModel,
): Wanted {
  const seen = wantedOfSeen(health, entry, config);
  if (!lead || lead.role === 'as-seen') return seen;
  return { ...seen, tags: tagsOf(lead.role, entry), meta: { ...seen.meta, ...promotionOf(lead, entry) } };
}

/** What a managed member may be called is the lead's to say, whatever its server says of itself. */
function tagsOf(
  role: Exclude<LeadWord['role'], 'as-seen'>,
  entry: CatalogueEntry | undefined,
): readonly string[] {
  switch (role) {
    case 'primary':
    case 'replica':
      return [role];
    case 'none':
      return [];
    case 'unchanged':
      return entry?.tags.filter(isRole) ?? [];
  }
}

/** What was published stands until something newer is known: what reads it never goes back. */
function promotionOf(
  { epoch, timeline }: LeadWord,
  entry: CatalogueEntry | undefined,
): Readonly<Record<string, string>> {
  if (epoch !== undefined && timeline !== undefined) return promotionMeta({ epoch, timeline });
  const { epoch: epochKey, timeline: timelineKey } = serviceMeta;
  const kept = [epochKey, timelineKey].flatMap((key) => {
    const value = entry?.meta[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  return Object.fromEntries(kept);
}

function wantedOfSeen(health: Judged, entry: CatalogueEntry | undefined, config: ServiceModel): Wanted {
  if (health.kind !== 'unknown') return wantedOfProven(health, entry, config);
  const known = health.last ? wantedOfProven(health.last, entry, config) : publishedBefore(entry, config);
  // It stays critical, but what was last proven, like "connection refused", is no longer why.
  return known.status === 'critical' && hasAnswered(health.obstacle)
    ? { ...known, text: plainText(obstacleText(health.obstacle)) }
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
      // A member that went away unwatched keeps the tag it had: its role may not have changed.
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
  health: Judged,
  entry: CatalogueEntry,
  observation: Observation,
  config: ServiceModel,
): Publication {
  const wanted = wantedOf(health, entry, observation, config);
  const { echo } = observation;
  if (echo === 'missing' || echo === 'different')
    return {
      actions: register(wanted, entry, config),
      reason: { kind: 'catalogue-differs', isMissing: echo === 'missing' },
      wakeAtMs: undefined,
    };
  const reason = difference(wanted, entry, observation, config);
  const because = (actions: readonly Action[]) => ({ actions, reason, wakeAtMs: undefined });
  if (!entry.check) return because(register(wanted, entry, config));
  switch (reason.kind) {
    case 'steady':
      return nothing(reason, (entry.check.refreshedMs ?? observation.nowMs) + config.refreshMs);
    case 'entry-differs':
      return rank[wanted.status] > rank[entry.check.status]
        ? because([updateCheck(wanted, config), registration(wanted, entry, config)])
        : because(register(wanted, entry, config));
    default:
      return because([updateCheck(wanted, config)]);
  }
}

function difference(
  wanted: Wanted,
  entry: CatalogueEntry,
  observation: Observation,
  config: ServiceModel,
): Reason {
  const { check } = entry;
  if (!check) return { kind: 'check-missing' };
  if (entry.address !== config.address || entry.port !== config.port || entry.name !== config.name)
    return { kind: 'entry-differs', what: 'address' };
  if (!sameSet(entry.tags, wanted.tags)) return { kind: 'entry-differs', what: 'tags' };
  if (!sameMeta(entry.meta, wanted.meta)) return { kind: 'entry-differs', what: 'meta' };
  if (check.status !== wanted.status)
    return { kind: 'status-differs', from: check.status, to: wanted.status };
  if (check.text !== wanted.text) return { kind: 'text-differs' };
  return isRefreshDue(check.refreshedMs, observation, config) ? { kind: 'refresh-due' } : { kind: 'steady' };
}

/** While the agent stops it is due once more: then the entry stands for its whole time to live. */
function isRefreshDue(
  refreshedMs: number | undefined,
  { nowMs, stoppingSinceMs = -Infinity }: Observation,
  { refreshMs }: ServiceModel,
): boolean {
  return refreshedMs === undefined || refreshedMs < stoppingSinceMs || nowMs - refreshedMs >= refreshMs;
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
