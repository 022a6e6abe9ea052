import type { AgentStatus } from '../../common/agent-status.js';
import { messageOf } from '../../common/errors.js';
import { addressOf, portOf, type Site } from './site.js';
import { boxesWith, serviceNames, type Box } from '../topology/topology.js';

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
  const services = serviceNames.map(async (service) => {
    const wanted = boxesWith(site.topology, service).map(({ name }) => name);
    try {
      const response = await fetch(`${consul}/v1/health/service/${service}?passing`, limit());
      const found =
        ((await response.json()) as { Node: { Node: string }; Service: { Tags: string[] | null } }[]) ?? [];
      const nodes = found.map(({ Node }) => Node.Node);
      const absent = wanted
        .filter((name) => !nodes.includes(name))
        .map((name) => `${service} on ${name} is not healthy in Consul`);
      const hasPrimary = found.some(({ Service }) => Service.Tags?.includes('primary'));
      return service === 'pg' && !hasPrimary ? [...absent, 'no member of pg has the role primary'] : absent;
    } catch (error) {
      return [`${consul} does not answer: ${messageOf(error)}`];
    }
  });
  const pages = todoUrls(site).map(async (url) => {
    try {
      const response = await fetch(`${url}todos`, limit());
      const mode = response.headers.get('x-hotspare-mode');
      await response.arrayBuffer();
      return response.ok && mode === 'read-write'
        ? []
        : [`${url}todos answers ${response.status}, mode ${mode ?? 'unknown'}`];
    } catch (error) {
      return [`${url} does not answer: ${messageOf(error)}`];
    }
  });
  return (await Promise.all([...services, ...pages])).flat();
}

/** The spares that receive no WAL, a sentence each, as the agents of their boxes say: Consul does not know of it. */
export async function whatDoesNotStream(site: Site): Promise<string[]> {
  const asked = boxesWith(site.topology, 'pg').map(async (box) => {
    const url = `http://${addressOf(site, box)}:${portOf(site, 'agentHttp')}/v1/status`;
    try {
      return notStreaming(box.name, (await (await fetch(url, limit())).json()) as AgentStatus);
    } catch (error) {
      return [`the agent of ${box.name} does not answer at ${url}: ${messageOf(error)}`];
    }
  });
  return (await Promise.all(asked)).flat();
}

export function notStreaming(box: string, status: Pick<AgentStatus, 'services'>): string[] {
  return status.services
    .filter(({ role, streaming }) => role === 'replica' && streaming !== true)
    .map(({ name }) => `${name} on ${box} receives no WAL: nothing streams to it; its log says why`);
}

function limit(): RequestInit {
  return { signal: AbortSignal.timeout(requestTimeoutMs) };
}
