import { DeadlineError, type Clock } from '../../common/clock.js';
import { failoverReport } from '../../common/failover/report.js';
import { messageOf } from '../../common/errors.js';
import { networkWords } from '../../common/network-error.js';
import type { Peer, Self } from '../core/lead/model.js';
import type { PeersPort } from '../lead-port.js';
import { get } from './get.js';

/** What is longer is not a report, in bytes. */
const mostBytes = 256 * 1024;

export interface PeersOptions {
  readonly service: string;
  /** Base URL of each member's agent. */
  readonly agents: ReadonlyMap<string, { readonly agent: string }>;
  /** For each question, in ms. */
  readonly deadlineMs: number;
  readonly clock: Clock;
}

/** The agents of the other members, by HTTP. Never rejects: who does not answer, or answers for another member, is unknown. */
export class HttpPeers implements PeersPort {
  constructor(private readonly options: PeersOptions) {}

  async ask(member: string, signal: AbortSignal): Promise<Peer> {
    const { agents, clock, deadlineMs, service } = this.options;
    const url = agents.get(member)?.agent;
    if (url === undefined) return { kind: 'unknown', why: `${member} is not a member` };
    const got = await get(`${url}/v1/services/${service}/failover`, { clock, deadlineMs, mostBytes, signal });
    if (got.kind === 'failed')
      return {
        kind: 'unknown',
        why: `the agent of ${member} ${wordsOf(got.error, deadlineMs)}`,
        ...(got.isUnreachable ? { isUnreachable: true } : {}),
      };
    if (got.status !== 200) return { kind: 'unknown', why: `the agent of ${member} answers ${got.status}` };
    try {
      return peerOf(member, failoverReport.read(JSON.parse(got.text), 'report'));
    } catch (error) {
      return {
        kind: 'unknown',
        why: `the agent of ${member} answers with what is not a report: ${messageOf(error)}`,
      };
    }
  }
}

function peerOf(member: string, report: ReturnType<typeof failoverReport.read>): Peer {
  if (report.member !== member)
    return { kind: 'unknown', why: `at the address of ${member} the agent of ${report.member} answers` };
  const { eligible } = report;
  return {
    kind: 'known',
    self: selfOf(report.self),
    epoch: report.epoch,
    revision: report.revision,
    eligible: eligible.ok
      ? { ok: true }
      : { ok: false, why: eligible.why ?? `${member} may not be promoted` },
  };
}

/** A field that is absent in JSON is undefined here. */
function selfOf(self: ReturnType<typeof failoverReport.read>['self']): Self {
  if (self.kind === 'unknown') return self;
  const { source, feeds, ...rest } = self;
  const absent = {
    busy: undefined,
    origin: undefined,
    history: undefined,
    position: undefined,
    statements: undefined,
  };
  return {
    ...absent,
    ...rest,
    source: source && placeOf(source),
    feeds: feeds.map((feed) => ({ position: undefined, ...feed })),
  };
}

type Source = NonNullable<
  Extract<ReturnType<typeof failoverReport.read>['self'], { kind: 'known' }>['source']
>;
const placeOf = ({ timeline, heardMs, ...source }: Source) => ({
  port: undefined,
  ...source,
  ...(timeline === undefined ? {} : { timeline }),
  ...(heardMs === undefined ? {} : { heardMs }),
});

function wordsOf(error: unknown, deadlineMs: number): string {
  if (error instanceof DeadlineError) return `does not answer within ${deadlineMs} ms`;
  if ((error as { name?: unknown } | null)?.name === 'AbortError') return 'was not waited for';
  if (error instanceof TypeError) return `answers with what is not a report: ${messageOf(error)}`;
  return `cannot be reached: ${networkWords(error) ?? messageOf(error)}`;
}
