import type { Clock } from '../../common/clock.js';
import { renderManaged } from './render-managed.js';
import { renderSummary } from './render.js';
import { readAll, summarize, type Readings } from '../../status/index.js';

export interface StatusOptions {
  /** Default `pg`. */
  readonly service?: string;
  /** Default `text`. */
  readonly output?: 'text' | 'json';
  /** Base URL of a Consul agent. Default `http://127.0.0.1:8500`. */
  readonly consulUrl?: string;
  readonly token?: string;
  /** Base URLs of agents to ask directly, besides those that Consul names. */
  readonly agents?: readonly string[];
  /** A replica further behind counts as degraded, in bytes. Default 16 MB, one WAL segment. */
  readonly maxLagBytes?: number;
  /** For each question, in ms. Default 2000. */
  readonly timeoutMs?: number;
  readonly clock: Pick<Clock, 'wallMs'>;
}

export interface StatusIo {
  out(text: string): void;
  err(text: string): void;
}

/** Exit code: 0 read-write and every member well, 3 degraded or not to be known, 1 nothing could be read. */
export async function statusCommand(options: StatusOptions, io: StatusIo): Promise<number> {
  const { service = 'pg', output = 'text', consulUrl = 'http://127.0.0.1:8500', agents = [] } = options;
  const readings = await readAll({
    service,
    consulUrl: consulUrl.replace(/\/+$/, ''),
    ...(options.token === undefined ? {} : { token: options.token }),
    agents,
    timeoutMs: options.timeoutMs ?? 2_000,
  });
  const summary = summarize(readings, {
    maxLagBytes: options.maxLagBytes ?? 16 * 1024 * 1024,
    nowMs: options.clock.wallMs(),
  });
  if (summary.members.length === 0) {
    io.err(`hotspare status: ${nothingRead(readings)}\n`);
    return 1;
  }
  io.out(
    output === 'json'
      ? `${JSON.stringify(summary, null, 2)}\n`
      : summary.failover
        ? renderManaged(summary, summary.failover, options.clock.wallMs())
        : renderSummary(summary, options.clock.wallMs()),
  );
  return summary.degraded ? 3 : 0;
}

function nothingRead({ consul, agents, service }: Readings): string {
  if (consul.kind === 'read')
    return `Consul lists no ${service}: is an agent running that has it, and may the token (CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE) read services?`;
  if (agents.length === 0)
    return `${consul.why}. Ask the agents directly: hotspare status --agent URL, once per box, with the host and port that stand under http: in its agent's configuration`;
  const failures = agents.flatMap((agent) => (agent.kind === 'failed' ? [agent.why] : []));
  return `nothing could be read. ${[consul.why, ...failures].join('. ')}`;
}
