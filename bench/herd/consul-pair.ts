import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../../common/errors.js';
import type { Role, Target } from '../../common/names.js';
import { findBinaries } from '../../common/runtime/machine/binaries.js';

const host = '127.0.0.1';
const startMs = 60_000;

export interface ConsulNode {
  readonly pid: number;
  readonly url: string;
  readonly dns: Target;
}

/** What a real site has: apps beside an agent that is a client, and a server elsewhere. */
export interface ConsulPair {
  readonly server: ConsulNode;
  readonly agent: ConsulNode;
  /** Puts an instance into the catalogue, with a check of that status. */
  register(
    service: string,
    id: string,
    role: Role,
    target: Target,
    status?: 'passing' | 'critical',
  ): Promise<void>;
  stop(): Promise<void>;
}

export interface ConsulPairOptions {
  /** `limits.http_max_conns_per_client` of the agent. Default: Consul's own, 200. */
  readonly maxConnections?: number;
  /** `dns_config.use_cache` of the agent. Default false, as in Consul. */
  readonly dnsCache?: boolean;
  readonly freePorts?: (n: number) => Promise<number[]>;
}

export async function startConsulPair(options: ConsulPairOptions = {}): Promise<ConsulPair> {
  const binary = findBinaries().consul;
  if (!binary) throw new UserError('Consul is not installed: `npx hotspare setup` installs what is missing');
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-herd-'));
  const [h1, d1, r1, s1, h2, d2, r2, s2] = (await (options.freePorts ?? freePorts)(8)) as number[];
  const children: ChildProcess[] = [];
  const start = (name: string, http: number, dns: number, server: number, serf: number, own: object) => {
    const file = join(folder, `${name}.json`);
    const base = {
      node_name: name,
      data_dir: join(folder, name),
      bind_addr: host,
      client_addr: host,
      ports: { http, dns, server, serf_lan: serf, serf_wan: -1, grpc: -1 },
      disable_update_check: true,
      log_level: 'warn',
      // Counters that only go up.
      telemetry: { prometheus_retention_time: '1h', disable_hostname: true },
    };
    writeFileSync(file, JSON.stringify({ ...base, ...own }));
    const log = openSync(join(folder, `${name}.log`), 'a');
    const child = spawn(binary, ['agent', `-config-file=${file}`], { stdio: ['ignore', log, log] });
    children.push(child);
    return { pid: child.pid!, url: `http://${host}:${http}`, dns: { host, port: dns } };
  };
  const server = start('server', h1!, d1!, r1!, s1!, {
    server: true,
    bootstrap_expect: 1,
    performance: { raft_multiplier: 1 },
  });
  const agent = start('agent', h2!, d2!, r2!, s2!, {
    server: false,
    retry_join: [`${host}:${s1!}`],
    retry_interval: '1s',
    ...(options.maxConnections === undefined
      ? {}
      : { limits: { http_max_conns_per_client: options.maxConnections } }),
    dns_config: { allow_stale: true, enable_truncate: true, use_cache: options.dnsCache ?? false },
  });
  const stop = async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await untilOk(`${agent.url}/v1/catalog/services`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    server,
    agent,
    stop,
    async register(service, id, role, target, status = 'passing') {
      const response = await fetch(`${server.url}/v1/catalog/register`, {
        method: 'PUT',
        body: JSON.stringify({
          Node: `box-${id}`,
          Address: target.host,
          Service: { ID: id, Service: service, Tags: [role], Address: target.host, Port: target.port },
          Check: { CheckID: `check-${id}`, Name: id, ServiceID: id, Status: status },
        }),
      });
      if (!response.ok) throw new Error(`registering ${id}: ${response.status} ${await response.text()}`);
    },
  };
}

/** RPCs that came to the server so far: all, and those that ask for something (blocking or not). */
export async function serverCounters(server: ConsulNode): Promise<{ requests: number; queries: number }> {
  const text = await (await fetch(`${server.url}/v1/agent/metrics?format=prometheus`)).text();
  const read = (name: string) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1] ?? 0);
  return { requests: read('consul_rpc_request'), queries: read('consul_rpc_query') };
}

async function untilOk(url: string): Promise<void> {
  const untilMs = performance.now() + startMs;
  for (;;) {
    try {
      if ((await fetch(url)).ok) return;
    } catch {
      // Not there yet.
    }
    if (performance.now() > untilMs) throw new Error(`${url} did not answer within ${startMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function freePorts(n: number): Promise<number[]> {
  const servers = Array.from({ length: n }, () => createServer());
  const ports = await Promise.all(
    servers.map(
      (server) =>
        new Promise<number>((resolve) =>
          server.listen(0, host, () => resolve((server.address() as { port: number }).port)),
        ),
    ),
  );
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
