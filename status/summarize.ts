import { assertNever } from '../common/assert-never.js';
import type { FailoverSummary } from './failover/model.js';
import { failoverSummary } from './failover/summary.js';
import { isLeaderless, viewOf } from './failover/view.js';
import { lagOf, withLags } from './lag.js';
import { membersOf, type Member } from './members.js';
import { modeOf, primaryVerdict, serving, sinceOf, streaming } from './mode.js';
import type { AgentReading, MemberSummary, Readings, Summary } from './model.js';

export interface SummarizeOptions {
  /** A replica further behind is a reason to be degraded, in bytes. */
  readonly maxLagBytes: number;
  /** Wall-clock; default 0: no order counts as stuck. */
  readonly nowMs?: number;
}

/** What the readings come to. Pure. */
export function summarize(readings: Readings, options: SummarizeOptions): Summary {
  const members = membersOf(readings);
  const view = viewOf(readings.service, readings.failover ?? [], boxIn(readings), options.nowMs ?? 0);
  const mode = modeOf(members, view !== undefined && isLeaderless(view));
  const since = sinceOf(mode, members);
  const failover = view && failoverSummary(view);
  const why = [
    ...primaryReasons(members, readings, failover),
    ...(serving(members, 'replica').length > 0
      ? []
      : mode === 'down'
        ? ['no healthy replica is known either, so reads fail as well']
        : [
            'no healthy replica is known, so reads fail without the primary: bring a replica back, or add one',
          ]),
    ...members.flatMap((member) => memberReasons(member, members, options)),
    ...consulReasons(readings),
    ...readings.agents.flatMap(fileReasons),
  ];
  const rehearsal = view ? [] : rehearsalIn(readings);
  return {
    service: readings.service,
    mode,
    ...(since === undefined ? {} : { since }),
    degraded: why.length > 0 || (failover?.findings.some(({ severity }) => severity !== 'note') ?? false),
    why,
    members: withLags(members.map(({ summary }) => summary)),
    consul:
      readings.consul.kind === 'read'
        ? { reachable: true }
        : { reachable: false, detail: readings.consul.why },
    ...(rehearsal.length > 0 && { rehearsal }),
    ...(failover && { failover }),
  };
}

/** What the members of a service would do whose roles are only observed. */
const rehearsalIn = ({ failover = [] }: Readings) =>
  failover
    .flatMap((reading) =>
      reading.kind === 'read' && reading.report.row.startsWith('rehearsal')
        ? { member: reading.report.member, sentence: reading.report.sentence.replace(/^rehearsal: /, '') }
        : [],
    )
    .sort((a, b) => (a.member < b.member ? -1 : 1));

/** Whose agent answers at a URL, as Consul or the agent says. */
const boxIn = ({ agents, consul }: Readings) => {
  return (url: string): string | undefined => {
    const agent = agents.find((one) => one.url === url);
    if (agent?.kind === 'read') return agent.status.box;
    return consul.kind === 'read' ? consul.entries.find(({ agentUrl }) => agentUrl === url)?.box : undefined;
  };
};

function primaryReasons(
  members: readonly Member[],
  readings: Readings,
  failover: FailoverSummary | undefined,
): string[] {
  const verdict = primaryVerdict(members);
  // Who leads, and what to do where no member does, is said of the roles; the rest is known only from there.
  if (failover?.policy || (failover && verdict.kind === 'gone')) return [];
  switch (verdict.kind) {
    case 'serves': {
      const boxes = serving(members, 'primary').map(({ box }) => box);
      if (boxes.length === 1) return [];
      return [
        `there are ${boxes.length} primaries (${boxes.join(', ')}): find out which is right, and stop the other`,
      ];
    }
    case 'gone':
      return [
        `there is no primary, so writes fail: bring Postgres back on ${either(lostIn(members))}; hotspare promotes no replica`,
      ];
    case 'unlisted':
      return [
        readings.consul.kind === 'read'
          ? "Consul lists no primary: if one runs, its agent does not; start the hotspare agent on the primary's box"
          : 'whether there is a primary is not known: no agent that answered has one; name every box with --agent',
        ...signsOfLife(members),
      ];
    case 'open':
      return [
        `it is unknown whether writes work: no agent could tell whether Postgres serves on ${either(verdict.boxes)}; see to hotspare-agent there`,
        ...signsOfLife(members),
      ];
    default:
      return assertNever(verdict);
  }
}

const either = (boxes: readonly string[]): string => boxes.join(' or ');

/** Where the primary was, as far as is known. */
const lostIn = (members: readonly Member[]): string[] =>
  members.flatMap(({ summary }) => (summary.role === 'replica' ? [] : [summary.box]));

function signsOfLife(members: readonly Member[]): string[] {
  return streaming(members).map(({ box }) => `${box} receives WAL, so a primary is most likely alive`);
}

function memberReasons(member: Member, members: readonly Member[], options: SummarizeOptions): string[] {
  const { summary, entry, agentFailure, warnings } = member;
  const { box, state, detail } = summary;
  const reasons: string[] = warnings.map((warning) => `${box}: ${warning}`);
  if (state === 'critical')
    reasons.push(
      summary.source === 'consul' && entry?.heard === false
        ? `${box}: Consul holds it as critical, because its agent does not refresh the check: ${detail}`
        : `${box} is critical: ${detail}`,
    );
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
  const { box, timeline } = replica;
  const lagBytes = lagOf(
    replica,
    members.map(({ summary }) => summary),
  )?.bytes;
  const reasons: string[] = [];
  const primary = serving(members, 'primary')[0];
  if (replica.streaming === false) reasons.push(`${box} receives no WAL: nothing streams to it`);
  if (lagBytes !== undefined && lagBytes > options.maxLagBytes)
    reasons.push(`${box} is ${lagBytes} bytes behind, more than ${options.maxLagBytes}`);
  if (primary?.timeline !== undefined && timeline !== undefined && timeline !== primary.timeline)
    reasons.push(`${box} is on timeline ${timeline}, the primary ${primary.box} on ${primary.timeline}`);
  return reasons;
}

/** What an agent says of the Consul beside it. */
interface Lack {
  readonly box: string;
  readonly detail: string;
}

function consulReasons(readings: Readings): string[] {
  const own = readings.consul.kind === 'failed' ? [readings.consul.why] : [];
  const agents = readings.agents.flatMap((agent): (string | Lack)[] => {
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
      : [{ box, detail: consul.detail ?? `not reachable since ${consul.since}` }];
  });
  return [...own, ...together(agents)];
}

/** What several agents say of the Consul beside each of them, but for its address, is said once. */
function together(agents: readonly (string | Lack)[]): string[] {
  const boxesOf = new Map<string, string[]>();
  const lackOf = (detail: string) => /^Consul at \S+ is (not reachable .*)$/s.exec(detail)?.[1] ?? detail;
  const singly = new Map<string, string>();
  for (const agent of agents) {
    if (typeof agent === 'string') continue;
    const lack = lackOf(agent.detail);
    boxesOf.set(lack, [...(boxesOf.get(lack) ?? []), agent.box]);
    singly.set(lack, `${agent.box}'s agent and Consul: ${agent.detail}`);
  }
  return [
    ...agents.filter((agent) => typeof agent === 'string'),
    ...[...boxesOf].map(([lack, boxes]) =>
      boxes.length === 1 ? singly.get(lack)! : `the agents of ${boxes.join(', ')} and their Consul: ${lack}`,
    ),
  ];
}

/** About the files that an agent keeps from the catalogue. */
function fileReasons(agent: AgentReading): string[] {
  if (agent.kind === 'failed') return [];
  const { box, templates = [] } = agent.status;
  return templates.flatMap(({ destination, state, detail, leftOut = [], doubted = [] }) => [
    ...(state === 'failing'
      ? [`${box}: ${destination} is not up to date: ${detail ?? 'its agent does not say why'}`]
      : []),
    ...[...leftOut, ...doubted].map((sentence) => `${box}: ${destination}: ${sentence}`),
  ]);
}
