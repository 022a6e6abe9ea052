import { boxesWith, type Box, type Topology } from '../topology/model.js';

export function firstPrimaryOf(topology: Topology): Box {
  const found = boxesWith(topology, 'pg').find(({ name }) => name === topology.postgres.firstPrimary);
  if (!found) throw new Error('a topology was not checked: its first primary is no box');
  return found;
}

/** A word for a slot: it knows no hyphens. */
export function slotName(box: string): string {
  return box.replaceAll('-', '_');
}
