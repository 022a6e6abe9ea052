import { assertNever } from '../../common/assert-never.js';
import type { ServiceStatus } from '../../common/agent-status.js';
import type { Mode } from '../../common/names.js';
import type { AgentReading, ConsulEntry, MemberSummary, Readings, Summary } from './model.js';

export interface SummarizeOptions {
  /** A replica further behind is a reason to be degraded, in bytes. */
  readonly maxLagBytes: number;
}

/** What the readings come to. Pure. */
export function summarize(readings: Readings, options: SummarizeOptions): Summary {
  const found = members(readings);
  const mode = modeOf(found);
  const since = sinceOf(mode, found);
  const why = [
    ...modeReasons(found),
    ...found.flatMap((member) => memberReasons(member, found, options)),
    ...consulReasons(readings),
  ];
  return {
    service: readings.service,
    mode,
    ...(since === undefined ? {} : { since }),
    degraded: why.length > 0,
    why,
    members: found.map(({ summary }) => summary),
    consul:
      readings.consul.kind === 'read'
        ? { reachable: true }
        : { reachable: false, detail: readings.consul.why },
  };
}

interface Member {
  readonly summary: MemberSummary;
  readonly entry: ConsulEntry | undefined;
  readonly agentFailure: string | undefined;
  readonly warnings: readonly string[];
}

function members(readings: Readings): Member[] {
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

// ---- mode

function serving(members: readonly Member[], role: 'primary' | 'replica'): MemberSummary[] {
  return members
    .filter((member) => member.summary.role === role && serves(member))
    .map(({ summary }) => summary);
}

/** A member that its agent cannot judge now is what was published of it last. */
function serves({ summary, entry }: Member): boolean {
  return summary.state === 'passing' || (summary.state === 'unknown' && entry?.status !== 'critical');
}

function modeOf(members: readonly Member[]): Mode {
  if (serving(members, 'primary').length > 0) return 'read-write';
  return serving(members, 'replica').length > 0 ? 'read-only' : 'down';
}

function sinceOf(mode: Mode, members: readonly Member[]): string | undefined {
  const all = members.map(({ summary }) => summary);
  switch (mode) {
    case 'read-write':
      return latest(serving(members, 'primary'));
    case 'read-only':
      // It began when the primary went; when that is not known, no later than the replica came.
      return latest(all.filter(({ role }) => role === 'primary')) ?? latest(serving(members, 'replica'));
    case 'down':
      return latest(all);
    default:
      return assertNever(mode);
  }
}

function latest(members: readonly MemberSummary[]): string | undefined {
  return members
    .flatMap(({ since }) => since ?? [])
    .sort()
    .at(-1);
}

// ---- reasons

function modeReasons(members: readonly Member[]): string[] {
  const primaries = serving(members, 'primary');
  return [
    ...(primaries.length === 0 ? ['there is no primary: nothing can be written'] : []),
    ...(primaries.length > 1
      ? [
          `there are ${primaries.length} primaries (${primaries.map(({ box }) => box).join(', ')}): find out which is right, and stop the other`,
        ]
      : []),
    ...(serving(members, 'replica').length === 0
      ? ['there is no replica: when the primary is lost, nothing can be read']
      : []),
  ];
}

function memberReasons(member: Member, members: readonly Member[], options: SummarizeOptions): string[] {
  const { summary, entry, agentFailure, warnings } = member;
  const { box, state, detail } = summary;
  const reasons: string[] = warnings.map((warning) => `${box}: ${warning}`);
  if (state === 'critical') reasons.push(`${box} is critical: ${detail}`);
  if (state === 'unknown') reasons.push(`${box} cannot be judged: ${detail}`);
  if (agentFailure !== undefined) reasons.push(`${box}: ${agentFailure}, so what Consul holds is shown`);
  if (entry && summary.source === 'agent' && entry.status === 'critical' && state === 'passing')
    reasons.push(`${box}: Consul holds it as critical (${entry.text}), though its agent sees it well`);
  if (summary.role === 'replica' && state === 'passing')
    reasons.push(...replicaReasons(summary, members, options));
  return reasons;
}

function replicaReasons(
  replica: MemberSummary,
  members: readonly Member[],
  options: SummarizeOptions,
): string[] {
  const { box, streaming, lagBytes, timeline } = replica;
  const reasons: string[] = [];
  const primary = serving(members, 'primary')[0];
  if (streaming === false) reasons.push(`${box} receives no WAL: nothing streams to it`);
  if (lagBytes !== undefined && lagBytes > options.maxLagBytes)
    reasons.push(`${box} is ${lagBytes} bytes behind, more than ${options.maxLagBytes}`);
  if (primary?.timeline !== undefined && timeline !== undefined && timeline !== primary.timeline)
    reasons.push(`${box} is on timeline ${timeline}, the primary ${primary.box} on ${primary.timeline}`);
  return reasons;
}

function consulReasons(readings: Readings): string[] {
  const own = readings.consul.kind === 'failed' ? [readings.consul.why] : [];
  const agents = readings.agents.flatMap((agent) => {
    if (agent.kind === 'failed') {
      const known =
        readings.consul.kind === 'read' &&
        readings.consul.entries.some(({ agentUrl }) => agentUrl === agent.url);
      // Said beside the member already.
      return known ? [] : [agent.why];
    }
    const { consul, box } = agent.status;
    return consul.reachable && consul.detail === undefined
      ? []
      : [`${box}'s agent and Consul: ${consul.detail ?? `not reachable since ${consul.since}`}`];
  });
  return [...own, ...agents];
}
