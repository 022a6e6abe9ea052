import type { Secrets } from '../../site/secrets.js';
import type { Box } from '../../topology/model.js';

/** Names of the services whose instances are members, of which one is primary: their agents share what they know, and take a lease. */
export const servicesWithRoles: readonly string[] = ['pg'];

export const isMember = (box: Box): boolean => box.services.some((name) => servicesWithRoles.includes(name));

/** Consul's token for the agent of that box. */
export function consulTokenOf({ tokens }: Secrets, box: Box): string {
  return isMember(box) ? tokens.memberAgent : tokens.agent;
}
