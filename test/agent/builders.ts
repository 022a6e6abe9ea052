import type {
  CatalogueEntry,
  CatalogueView,
  Observation,
  PostgresFacts,
  ProbeResult,
  ServiceModel,
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
};

export const unseen: ServiceState = { kind: 'unseen', remembered: undefined };

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

export function observation(more: Partial<Observation> = {}): Observation {
  return {
    nowMs: 1_000,
    wallMs: 1_000,
    probe: passing('primary'),
    missesInARow: 0,
    catalogue: present(),
    echo: 'same',
    isSuperseded: false,
    stopping: false,
    ...more,
  };
}

/** Nothing is heard from the servers' catalogue. */
export const noEchoes = { of: () => 'unknown' as const, performed: () => {} };

/** No other agent writes under this box's name. */
export const noRivals = { isSuperseded: false, wrote: () => {} };
