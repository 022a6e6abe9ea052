import type { CheckStatus } from '../../../common/names.js';
import type { Instance } from './instances.js';
import { sameMeta, sameSet, type CatalogueView, type Echo } from '../model.js';

export interface HeardEntry extends Instance {
  readonly checks: readonly { readonly id: string; readonly status: CheckStatus }[];
}

/** `heard`: every entry of the service in the catalogue. */
export function echoOf(id: string, held: CatalogueView, heard: readonly HeardEntry[]): Echo {
  if (held.kind !== 'present' || !held.entry.check) return 'unknown';
  const { address, port, tags, meta, check } = held.entry;
  // Another box may use the same id; whose is whose, only the rest tells.
  const candidates = heard.filter((entry) => entry.id === id);
  if (candidates.length === 0) return 'missing';
  const same = candidates.some(
    (entry) =>
      entry.address === address &&
      entry.port === port &&
      sameSet(entry.tags, tags) &&
      sameMeta(entry.meta, meta) &&
      entry.checks.find((one) => one.id === `service:${id}`)?.status === check.status,
  );
  return same ? 'same' : 'different';
}
