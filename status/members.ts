import type { ServiceStatus } from '../common/agent/status.js';
import type { AgentReading, ConsulEntry, MemberSummary, Readings } from './model.js';

/** One member with all that was read of it. */
export interface Member {
  readonly summary: MemberSummary;
  readonly entry: ConsulEntry | undefined;
  readonly agentFailure: string | undefined;
  readonly warnings: readonly string[];
}

/** The members of the service, by box: as their agents say, or, where none answers, as Consul lists them. Pure. */
export function membersOf(readings: Readings): Member[] {
  const entries = readings.consul.kind === 'read' ? readings.consul.entries : [];
  const byAgent = readings.agents.flatMap((agent) => agentMembers(agent, readings.service, entries));
  const rest = entries
    .filter((entry) => !byAgent.some((member) => member.entry === entry))
    .map((entry): Member => {
      const reading = readings.agents.find(({ url }) => url === entry.agentUrl);
      return {
        summary: fromConsul(entry),
        entry,
        agentFailure:
          reading?.kind === 'failed'
            ? reading.why
            : reading
              ? 'its agent does not know the service'
              : 'no agent of hotspare registered it',
        warnings: [],
      };
    });
  return [...byAgent, ...rest].sort((a, b) => (a.summary.box < b.summary.box ? -1 : 1));
}

function agentMembers(agent: AgentReading, service: string, entries: readonly ConsulEntry[]): Member[] {
  if (agent.kind === 'failed') return [];
  return agent.status.services
    .filter(({ name }) => name === service)
    .map((status) => ({
      summary: fromAgent(agent.status.box, status),
      entry: entries.find(({ address, port }) => address === status.address && port === status.port),
      agentFailure: undefined,
      warnings: status.warnings ?? [],
    }));
}

function fromAgent(box: string, status: ServiceStatus): MemberSummary {
  const { name: _, kind: __, warnings: ___, replicas: ____, ...rest } = status;
  return { box, source: 'agent', ...rest };
}

function fromConsul(entry: ConsulEntry): MemberSummary {
  const { box, address, port, role, status, text } = entry;
  const state = status === 'warning' ? 'unknown' : status;
  return { box, address, port, ...(role ? { role } : {}), state, source: 'consul', detail: text };
}
