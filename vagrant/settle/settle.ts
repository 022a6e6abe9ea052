import { sleep, type Clock } from '../../common/clock.js';
import { UserError } from '../../common/errors.js';
import { setUpAcl, waitForLeader } from '../../provision/consul/set-up.js';
import { consulUrl, whatDoesNotStream, whatIsMissing } from '../../provision/site/health.js';
import type { Site } from '../../provision/site/site.js';
import type { Box } from '../../provision/topology/topology.js';

/** How long boxes that were just made may take until all is well. */
const healthyTimeoutMs = 90_000;

/** The boxes run, and not all of it is well. */
export class NotHealthy extends UserError {}

export interface Settling {
  readonly site: Site;
  readonly managementTokenFile: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The box through which the host speaks to Consul: the only one that lets it. */
export function adminOf({ topology }: Site): Box {
  const box = topology.boxes.find(({ name }) => name === topology.dns.box);
  if (!box) throw new UserError(`the topology has no box ${topology.dns.box}`);
  return box;
}

/** Access control, once the servers of Consul have found each other. Repeatable. */
export async function setUpAccess({ site, managementTokenFile, clock, signal }: Settling): Promise<void> {
  const servers = [consulUrl(site, adminOf(site))];
  const { topology, secrets } = site;
  await waitForLeader({ servers, clock, signal });
  await setUpAcl({ topology, secrets, servers, managementTokenFile, clock, signal });
}

/**
 * Resolves when every service is healthy, every spare streams and every balancer serves; rejects with NotHealthy, which says what
 * is still missing.
 */
export async function untilHealthy({ site, clock, signal }: Settling): Promise<void> {
  const deadline = clock.nowMs() + healthyTimeoutMs;
  for (;;) {
    const missing = (await Promise.all([whatIsMissing(site, adminOf(site)), whatDoesNotStream(site)])).flat();
    if (missing.length === 0) return;
    if (clock.nowMs() > deadline) {
      throw new NotHealthy(
        `the boxes run, but not all is well after ${healthyTimeoutMs / 1000} s:\n${missing.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    await sleep(clock, 250, { signal });
  }
}
