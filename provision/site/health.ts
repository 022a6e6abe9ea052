import { missingMembers, notStreaming, readAgent, readConsul, whyOf } from '../../status/index.js';
import { addressOf, portOf, type Site } from './site.js';
import { serviceNames } from '../services/index.js';
import { boxesWith, type Box } from '../topology/model.js';

const requestTimeoutMs = 3_000;

/** Where people find the todo list: one address a load balancer. */
export function todoUrls(site: Site): string[] {
  const port = portOf(site, 'web');
  return boxesWith(site.topology, 'nginx').map(
    (box) => `http://${addressOf(site, box)}${port === 80 ? '' : `:${port}`}/`,
  );
}

export function consulUrl(site: Site, box: Box): string {
  return `http://${addressOf(site, box)}:${portOf(site, 'consulHttp')}`;
}

/**
 * What is still missing until all is well, a sentence each: every service healthy in Consul, as asked on `admin`, and
 * every balancer serving a todo list that can be changed.
 */
export async function whatIsMissing(site: Site, admin: Box): Promise<string[]> {
  const consul = consulUrl(site, admin);
  const services = serviceNames.map(async (service) =>
    missingMembers(
      {
        service,
        boxes: boxesWith(site.topology, service).map(({ name }) => name),
        hasPrimary: service === 'pg',
      },
      await readConsul({ service, consulUrl: consul, timeoutMs: requestTimeoutMs }),
    ),
  );
  const missing = await Promise.all([...services, ...todoUrls(site).map(whatThePageLacks)]);
  // A Consul that does not answer says so once for every service.
  return [...new Set(missing.flat())];
}

async function whatThePageLacks(url: string): Promise<string[]> {
  try {
    const response = await fetch(`${url}todos`, { signal: AbortSignal.timeout(requestTimeoutMs) });
    const mode = response.headers.get('x-hotspare-mode');
    await response.arrayBuffer();
    return response.ok && mode === 'read-write'
      ? []
      : [`${url}todos answers ${response.status}, mode ${mode ?? 'unknown'}`];
  } catch (error) {
    return [`${url} does not answer: ${whyOf(error, requestTimeoutMs)}`];
  }
}

/** The spares that receive no WAL, a sentence each, as the agents of their boxes say. */
export async function whatDoesNotStream(site: Site): Promise<string[]> {
  const asked = boxesWith(site.topology, 'pg').map(async (box) => {
    const url = `http://${addressOf(site, box)}:${portOf(site, 'agentHttp')}`;
    return notStreaming(box.name, await readAgent(url, requestTimeoutMs));
  });
  return (await Promise.all(asked)).flat();
}
