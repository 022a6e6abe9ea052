import { serviceMeta } from '../../common/names.js';
import type { Action, CatalogueEntry } from './model.js';

/**
 * Services this box registered once and is no longer configured to have. Entries that carry another box's name, or
 * none, are somebody else's and left alone.
 */
export function ghosts(
  entries: readonly CatalogueEntry[],
  box: string,
  configuredIds: ReadonlySet<string>,
): Action[] {
  return entries
    .filter((entry) => entry.meta[serviceMeta.box] === box && !configuredIds.has(entry.id))
    .map((entry) => ({ kind: 'deregister', id: entry.id }));
}
