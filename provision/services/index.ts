import type { Site } from '../site/site.js';
import type { Box } from '../topology/model.js';
import { agent } from './agent.js';
import { common } from './common.js';
import { consul } from './consul.js';
import { dns } from './dns.js';
import { keeper } from './keeper.js';
import { nginx } from './nginx.js';
import { pg } from './pg.js';
import type { Program, Service } from './program.js';
import { todomvc } from './todomvc.js';

/** What groups of a topology may name. */
// prettier-ignore
export const services: readonly Service[] = [
  pg,
  nginx,
  todomvc,
];
export const serviceNames: readonly string[] = services.map(({ name }) => name);

/** Every program of the boxes, in the order it is started. */
export const programs: readonly Program[] = [common, consul, keeper, ...services, dns, agent].sort(
  (a, b) => a.order - b.order,
);

export function programsOn(site: Site, box: Box): Program[] {
  return programs.filter(({ isOn }) => isOn(site, box));
}
