import { initialState } from '../../agent/core/decide.js';
import type {
  Action,
  CatalogueEntry,
  CatalogueView,
  Observation,
  PostgresFacts,
  ProbeResult,
  ServiceModel,
  Health,
  ServiceState,
  Trouble,
} from '../../agent/core/model.js';
import type { Role } from '../../common/names.js';

/** Small builders: a test says only what matters to it. */

export const model: ServiceModel = {
  id: 'pg@pg1',
  name: 'pg',
  address: '127.0.11.11',
  port: 5432,
  meta: { 'hotspare-box': 'pg1', 'hotspare-agent': 'http://127.0.11.11:8008' },
  passingText: 'well',
  missesToBelieve: 1,
  confirmingShare: 1,
  refreshMs: 3_000,
  checkTtlMs: 10_000,
  probeStaleMs: 15_000,
};

export const unseen: Health = { kind: 'unseen', remembered: undefined };

export function facts(role: Role, more: Partial<PostgresFacts> = {}): PostgresFacts {
  return { kind: 'postgres', role, warnings: [], ...more };
}

export function passing(role: Role): ProbeResult {
  return { kind: 'passing', facts: facts(role) };
}

export const refused: Trouble = { kind: 'refused' };
export const down: ProbeResult = { kind: 'critical', trouble: refused };
export const late: ProbeResult = { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: 350 } };
export const full: ProbeResult = { kind: 'unknown', obstacle: { kind: 'slots-full' } };

export function entry(more: Partial<CatalogueEntry> = {}): CatalogueEntry {
  const { id, name, address, port, meta } = model;
  return {
    id,
    name,
    address,
    port,
    meta,
    tags: ['primary'],
    check: { status: 'passing', text: 'well', refreshedMs: 0 },
    ...more,
  };
}

export function present(more: Partial<CatalogueEntry> = {}): CatalogueView {
  return { kind: 'present', entry: entry(more) };
}

/** A state in which that is known of the member, by a probe of this moment or an earlier one. */
export function state(health: Health, more: Partial<ServiceState> = {}): ServiceState {
  return { ...initialState(undefined), health, probedMs: 0, ...more };
}

/** An observation as a test writes it: a probe is one that was asked at this very moment. */
export type Observed = Partial<Omit<Observation, 'probe'>> & { readonly probe?: ProbeResult | undefined };

export function observation(more: Observed = {}): Observation {
  const { probe, ...rest } = { probe: passing('primary'), nowMs: 1_000, ...more };
  return {
    wallMs: 1_000,
    probe: probe && { askedMs: rest.nowMs, result: probe },
    attempt: undefined,
    catalogue: present(),
    echo: 'same',
    isConsulSettling: false,
    hasNewToken: false,
    isSuperseded: false,
    isLeaving: false,
    lead: undefined,
    stoppingSinceMs: undefined,
    ...rest,
  };
}

/** What Consul's agent holds after an action that was done. */
export function entryAfter(
  before: CatalogueEntry | undefined,
  action: Action,
  nowMs: number,
): CatalogueEntry | undefined {
  switch (action.kind) {
    case 'register': {
      const { checkTtlMs: _, initialStatus, ...rest } = action.registration;
      const { status, text } = before?.check ?? { status: initialStatus, text: '' };
      return { ...rest, check: { status, text, refreshedMs: undefined } };
    }
    case 'update-check':
      return before && { ...before, check: { status: action.status, text: action.text, refreshedMs: nowMs } };
    case 'deregister':
      return undefined;
  }
}

/** Nothing is heard from the servers' catalogue. */
export const noEchoes = { of: () => 'unknown' as const, performed: () => {} };

/** No other agent writes under this box's name. */
export const noRivals = { isSuperseded: false, wrote: () => {} };
