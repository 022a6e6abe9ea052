import type { AgentStatus } from '../common/agent/status.js';
import { assertNever } from '../common/assert-never.js';
import { ConsulConnection } from '../common/consul/connection.js';
import { failureOf, fromConsul, type ConsulFailure } from '../common/consul/failure.js';
import { parseHealth, parseMeta, type HealthCheck } from '../common/consul/json.js';
import { list, record, text } from '../common/text/json.js';
import { serviceMeta } from '../common/names.js';
import { plainText, plainTexts } from '../common/text/plain-text.js';
import { roleIn } from '../common/role-tags.js';
import { systemClock } from '../common/runtime/clock.js';
import type { FailoverReading } from './failover/model.js';
import type { AgentReading, ConsulEntry, ConsulReading, Readings } from './model.js';
import { readFailover } from './read-failover.js';
import { whyOf } from './why.js';

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

/**
 * Asks Consul who the members are, and each member's agent how it is; and the agents of other services' boxes, which keep
 * files that depend on the catalogue. What outsiders wrote comes back as plain text. Never rejects.
 */
export async function readAll(options: ReadOptions): Promise<Readings> {
  const [consul, elsewhere] = await Promise.all([readConsul(options), agentsElsewhere(options)]);
  const named = consul.kind === 'read' ? consul.entries.flatMap(({ agentUrl }) => agentUrl ?? []) : [];
  const urls = [...new Set([...named, ...options.agents.map((url) => url.replace(/\/+$/, ''))])];
  const [agents, failover] = await Promise.all([
    Promise.all(urls.map((url) => readAgent(url, options.timeoutMs))),
    Promise.all(urls.map((url) => readMember(url, options))),
  ]);
  const others = await Promise.all(
    elsewhere.filter((url) => !urls.includes(url)).map((url) => readAgent(url, options.timeoutMs)),
  );
  // That a box which has no member is away is nothing about the service.
  const heard = others.filter(({ kind }) => kind === 'read');
  return { service: options.service, consul, agents: [...agents, ...heard], failover };
}

/** An older agent has no such route, and is no fault of the service. */
const readMember = (url: string, { service, timeoutMs }: ReadOptions): Promise<FailoverReading> =>
  readFailover(url, service, timeoutMs);

/** More services than this are not looked through for agents. */
const mostServices = 50;

type ConsulOptions = Omit<ReadOptions, 'agents'>;

/** Base URLs of the agents that registered anything at all, as far as that can be read. */
async function agentsElsewhere(options: ConsulOptions): Promise<string[]> {
  try {
    return await withConsul(options, async (read) => {
      const names = Object.keys(record(await read('catalog/services')));
      const lists = await Promise.all(
        names.slice(0, mostServices).map(async (name) => {
          const entries = list(await read(`catalog/service/${encodeURIComponent(name)}`));
          return entries.map((entry) => agentUrlIn(parseMeta(record(entry)['ServiceMeta'])));
        }),
      );
      return [...new Set(lists.flat())].filter((url) => url !== undefined);
    });
  } catch {
    return [];
  }
}

async function withConsul<T>(
  { consulUrl, token, timeoutMs }: ConsulOptions,
  work: (read: (path: string) => Promise<unknown>) => Promise<T>,
): Promise<T> {
  const connection = new ConsulConnection({ url: consulUrl, clock: systemClock, token: () => token });
  try {
    return await work(async (path) => (await connection.get({ path, deadlineMs: timeoutMs })).body);
  } finally {
    connection.close();
  }
}

/** Asks Consul who the members are. Never rejects. */
export async function readConsul(options: ConsulOptions): Promise<ConsulReading> {
  try {
    return await withConsul(options, async (read) => {
      const body = await read(`health/service/${encodeURIComponent(options.service)}`);
      return { kind: 'read', entries: fromConsul(() => parseEntries(body)) };
    });
  } catch (error) {
    const why = consulText(failureOf(error), options.token !== undefined);
    return { kind: 'failed', why: plainText(`Consul at ${options.consulUrl} ${why}`) };
  }
}

function consulText({ kind, message, status }: ConsulFailure, hasToken: boolean): string {
  switch (kind) {
    case 'forbidden':
      return hasToken
        ? 'refuses the token given with CONSUL_HTTP_TOKEN or CONSUL_HTTP_TOKEN_FILE: it must be one that Consul knows, with service:read and node:read'
        : 'lets nobody read without a token: put one into CONSUL_HTTP_TOKEN, or its file into CONSUL_HTTP_TOKEN_FILE';
    case 'failed':
      return `answers with HTTP status ${status}: ${message}`;
    case 'refused':
    case 'unreachable':
    case 'late':
    case 'garbage':
      return `cannot be read: ${message}`;
    default:
      return assertNever(kind);
  }
}

/** Asks one agent how its box is. Never rejects. */
export async function readAgent(url: string, timeoutMs: number): Promise<AgentReading> {
  try {
    const response = await fetch(`${url}/v1/status`, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) return failedAgent(url, `answers with HTTP status ${response.status}`);
    return { kind: 'read', url, status: parseStatus(await response.json()) };
  } catch (error) {
    return failedAgent(url, `does not answer: ${whyOf(error, timeoutMs)}`);
  }
}

function failedAgent(url: string, why: string): AgentReading {
  return { kind: 'failed', url, why: plainText(`its agent at ${url} ${why}`) };
}

// ---- parsing; a TypeError means that something else answered

function parseEntries(body: unknown): ConsulEntry[] {
  return plainTexts(parseHealth(body)).map(({ node, address, port, tags, meta, checks }) => {
    return {
      box: meta[serviceMeta.box] ?? node,
      address,
      port,
      role: roleIn(tags),
      ...worstOf(checks),
      heard: checks.every(isHeard),
      agentUrl: agentUrlIn(meta),
    };
  });
}

function agentUrlIn(meta: Readonly<Record<string, string>>): string | undefined {
  const url = meta[serviceMeta.agent];
  return url !== undefined && /^https?:\/\//.test(url) ? url : undefined;
}

const severity = { passing: 0, warning: 1, critical: 2 } as const;

function worstOf(checks: readonly HealthCheck[]): Pick<ConsulEntry, 'status' | 'text'> {
  const none: Pick<ConsulEntry, 'status' | 'text'> = { status: 'passing', text: '' };
  const { status, text } = checks.reduce(
    (worse, check) => (severity[check.status] >= severity[worse.status] ? check : worse),
    none,
  );
  return { status, text };
}

/** `serfHealth` is Consul's own check of the box. Consul writes these words when nobody refreshed a check in time. */
function isHeard({ id, status, text }: HealthCheck): boolean {
  return status !== 'critical' || (id !== 'serfHealth' && !text.startsWith('TTL expired'));
}

function parseStatus(body: unknown): AgentStatus {
  const status = record(body);
  text(status['box']);
  record(status['consul']);
  for (const service of list(status['services'])) {
    const { name, address, state, detail } = record(service);
    [name, address, state, detail].forEach(text);
  }
  return plainTexts(body as AgentStatus);
}
