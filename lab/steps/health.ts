import { sleep } from '../../common/clock.js';
import { UserError, messageOf } from '../../common/errors.js';
import { systemClock } from '../../common/runtime/clock.js';
import { addressOf, portOf } from '../../provision/site.js';
import { boxesWith, serviceNames } from '../../provision/topology.js';
import type { Lab } from '../lab.js';
import { instancesOf } from '../units.js';
import { lastWords } from './start.js';

const timeoutMs = 60_000;
const requestTimeoutMs = 3_000;

/** Waits until Consul shows every service healthy and every balancer serves a todo list that can be changed. */
export async function waitUntilHealthy(lab: Lab, signal: AbortSignal): Promise<void> {
  const deadline = systemClock.nowMs() + timeoutMs;
  for (;;) {
    const missing = await whatIsMissing(lab);
    if (missing.length === 0) return;
    if (systemClock.nowMs() > deadline) {
      throw new UserError(
        `not healthy after ${timeoutMs / 1000} s:\n${missing.map((line) => `  ${line}`).join('\n')}`,
      );
    }
    for (const { unit } of instancesOf(lab.site)) {
      const { state } = await lab.services.status(unit);
      if (state === 'failed') throw new UserError(`${unit} has ended. ${lastWords(lab, unit)}`);
    }
    await sleep(systemClock, 80, { signal });
  }
}

async function whatIsMissing(lab: Lab): Promise<string[]> {
  const { site } = lab;
  const admin = site.topology.boxes[0];
  if (!admin) return [];
  const consul = `http://${addressOf(site, admin)}:${portOf(site, 'consulHttp')}`;
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
  const pages = lab.urls.todo.map(async (url) => {
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

function limit(): RequestInit {
  return { signal: AbortSignal.timeout(requestTimeoutMs) };
}
