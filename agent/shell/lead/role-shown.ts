import { roleIn } from '../../../common/role-tags.js';
import type { LeadObservation } from '../../core/lead/model.js';
import type { CatalogueView } from '../../core/model.js';

/** The role that stands in the catalogue for this member, as far as its Consul agent says. */
export function roleShown(view: CatalogueView): LeadObservation['published'] {
  switch (view.kind) {
    case 'unread':
      return undefined;
    case 'absent':
      return 'none';
    case 'present':
      return roleIn(view.entry.tags) ?? 'none';
  }
}
