import type { AgentStatus } from '../../common/agent-status.js';
import { codeOf, messageOf } from '../../common/errors.js';
import { serviceMeta, type Role } from '../../common/names.js';
import type { AgentReading, ConsulEntry, ConsulReading, Readings } from './model.js';

export interface ReadOptions {
  readonly service: string;
  /** Base URL of a Consul agent. */
  readonly consulUrl: string;
  readonly token?: string;
  /** Agents to ask besides those that Consul names: base URLs. */
  readonly agents: readonly string[];
  /** For each question, in ms. */
  readonly timeoutMs: number;
}

/** Asks Consul who the members are, and each member's agent how it is. Never rejects. */
export async function readAll(options: ReadOptions): Promise<Readings> {
  const consul = await readConsul(options);
  const named = consul.kind === 'read' ? consul.entries.flatMap(({ agentUrl }) => agentUrl ?? []) : [];
  const urls = [...new Set([...named, ...options.agents.map((url) => url.replace(/\/+$/, ''))])];
  const agents = await Promise.all(urls.map((url) => readAgent(url, options.timeoutMs)));
  return { service: options.service, consul, agents };
}

async function readConsul(options: ReadOptions): Promise<ConsulReading> {
  const { consulUrl, service, token, timeoutMs } = options;
  const failed = (why: string): ConsulReading => ({ kind: 'failed', why: `Consul at ${consulUrl} ${why}` });
  try {
    const response = await fetch(`${consulUrl}/v1/health/service/${encodeURIComponent(service)}`, {
      signal: AbortSignal.timeout(timeoutMs),
      headers: token ? { 'x-consul-token': token } : {},
    });
    if (response.status === 403)
      return failed('refuses the token; set CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE');
    if (!response.ok)
      return failed(`answers with HTTP status ${response.status}: ${await startOf(response)}`);
    return { kind: 'read', entries: parseEntries(await response.json()) };
  } catch (error) {
    return failed(`cannot be read: ${whyOf(error, timeoutMs)}`);
  }
}

async function readAgent(url: string, timeoutMs: number): Promise<AgentReading> {
  try {
    const response = await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return failedAgent(url, `answers with HTTP status ${response.status}`);
    return { kind: 'read', url, status: parseStatus(await response.json()) };
  } catch (error) {
    return failedAgent(url, `does not answer: ${whyOf(error, timeoutMs)}`);
  }
}

function failedAgent(url: string, why: string): AgentReading {
  return { kind: 'failed', url, why: `its agent at ${url} ${why}` };
}

async function startOf(response: Response): Promise<string> {
  return (await response.text()).trim().slice(0, 200);
}

function whyOf(error: unknown, timeoutMs: number): string {
  if (error instanceof Error && error.name === 'TimeoutError') return `nothing came within ${timeoutMs} ms`;
  if (error instanceof SyntaxError || error instanceof TypeError) {
    // fetch hides the reason in its cause.
    const code = codeOf(error.cause);
    if (code === 'ECONNREFUSED') return 'connection refused';
    if (code) return code;
    if (!error.cause) return 'what answers there is something else';
  }
  return messageOf(error instanceof Error && error.cause ? error.cause : error);
}

// ---- parsing; a TypeError means that something else answered

const severity = { passing: 0, warning: 1, critical: 2 } as const;

function parseEntries(body: unknown): ConsulEntry[] {
  return list(body).map((item) => {
    const service = record(record(item)['Service']);
    const node = record(record(item)['Node']);
    const meta = record(service['Meta'] ?? {});
    const tags = list(service['Tags'] ?? []);
    const checks = list(record(item)['Checks']).map(parseCheck);
    const worst = checks.reduce<Check>(
      (worse, check) => (severity[check.status] >= severity[worse.status] ? check : worse),
      { status: 'passing', text: '' },
    );
    const agentUrl = meta[serviceMeta.agent];
    return {
      box: text(meta[serviceMeta.box] ?? node['Node']),
      address: text(service['Address']) || text(node['Address']),
      port: Number(service['Port']),
      role: (['primary', 'replica'] as Role[]).find((role) => tags.includes(role)),
      ...worst,
      agentUrl: typeof agentUrl === 'string' && /^https?:\/\//.test(agentUrl) ? agentUrl : undefined,
    };
  });
}

type Check = Pick<ConsulEntry, 'status' | 'text'>;

function parseCheck(value: unknown): Check {
  const check = record(value);
  const status = text(check['Status']);
  return {
    status: status === 'passing' || status === 'warning' ? status : 'critical',
    text: text(check['Output']).trim(),
  };
}

function parseStatus(body: unknown): AgentStatus {
  const status = record(body);
  text(status['box']);
  record(status['consul']);
  for (const service of list(status['services'])) {
    const { name, address, state, detail } = record(service);
    [name, address, state, detail].forEach(text);
  }
  return body as AgentStatus;
}

function record(value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new TypeError('not an object');
  return value as Record<string, unknown>;
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new TypeError('not a list');
  return value;
}

function text(value: unknown): string {
  if (typeof value !== 'string') throw new TypeError('not a text');
  return value;
}
