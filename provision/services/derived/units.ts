import type { Site } from '../../site/site.js';
import type { Box } from '../../topology/model.js';
import { programsOn } from '../index.js';

/** What the agent of this box may start, stop, restart, reload and kill: exactly that. */
export function drivenUnits(site: Site, box: Box): string[] {
  if (site.supervisor !== 'systemd') return [];
  return programsOn(site, box).flatMap(({ isDriven, unit }) => (isDriven && unit ? [unit(site)] : []));
}
