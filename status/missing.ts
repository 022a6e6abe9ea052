import type { AgentReading, ConsulReading } from './model.js';

export interface Wanted {
  readonly service: string;
  /** The boxes that should have a healthy member. */
  readonly boxes: readonly string[];
  /** One of the members must be primary. */
  readonly hasPrimary: boolean;
}

/** What Consul does not hold as healthy though it should, a sentence each. Pure. */
export function missingMembers({ service, boxes, hasPrimary }: Wanted, consul: ConsulReading): string[] {
  if (consul.kind === 'failed') return [consul.why];
  const healthy = consul.entries.filter(({ status }) => status === 'passing');
  const absent = boxes
    .filter((name) => !healthy.some(({ box }) => box === name))
    .map((name) => `${service} on ${name} is not healthy in Consul`);
  return !hasPrimary || healthy.some(({ role }) => role === 'primary')
    ? absent
    : [...absent, `no member of ${service} has the role primary`];
}

/** The spares on an agent's box that receive no WAL, a sentence each: Consul does not know of it. Pure. */
export function notStreaming(box: string, agent: AgentReading): string[] {
  if (agent.kind === 'failed') return [`${box}: ${agent.why}`];
  return agent.status.services
    .filter(({ role, streaming }) => role === 'replica' && streaming !== true)
    .map(({ name }) => `${name} on ${box} receives no WAL: nothing streams to it; its log says why`);
}
