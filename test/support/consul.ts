import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../common/runtime/machine/binaries.js';
import { Child } from './child.js';
import { eventuallyMs } from './patience.js';
import { freePorts } from './ports.js';
import { waitFor } from './wait.js';
import { fetchAnew } from './fetch-anew.js';

export interface RealConsul {
  readonly host: string;
  readonly httpPort: number;
  readonly dnsPort: number;
  /** As `/v1/status/leader` names it. */
  readonly serverAddress: string;
  readonly httpUrl: string;
  /** With `acl: true`. */
  readonly managementToken?: string;
  start(): Promise<void>;
  /** SIGTERM; data and ports are kept for the next `start`. */
  stop(): Promise<void>;
  /** Stopped, it forgets everything; the next `start` is its first. */
  forget(): void;
  /** What of its data brings them back when called. */
  backup(): Promise<() => Promise<void>>;
  kill(): void;
  freeze(): void;
  thaw(): void;
  destroy(): Promise<void>;
}

export interface ConsulOptions {
  readonly acl?: boolean;
  /** It waits for two more servers, which never come. */
  readonly isLeaderless?: boolean;
  /** One of three, which must be started together. */
  readonly among?: {
    readonly name: string;
    readonly serfPort: number;
    readonly join: readonly string[];
    readonly key: string;
  };
}

/** Three servers that have one leader. */
export async function startThree(): Promise<RealConsul[]> {
  const ports = await freePorts(3, '127.0.0.1');
  const join = ports.map((port) => `127.0.0.1:${port}`);
  const key = randomBytes(32).toString('base64');
  return Promise.all(
    ports.map((serfPort, at) => startConsul({ among: { name: `server${at + 1}`, serfPort, join, key } })),
  );
}

/** One real Consul server on 127.0.0.1, free ports, its data in a temporary folder. */
export async function startConsul(options: ConsulOptions = {}): Promise<RealConsul> {
  const binary = findBinaries().consul;
  if (!binary) throw new Error('consul is not installed: run `npx hotspare setup`');
  const host = '127.0.0.1';
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-consul-'));
  const { among, isLeaderless = false } = options;
  const [http, dns, server, serf] = (await freePorts(4, host)) as [number, number, number, number];
  const httpUrl = `http://${host}:${http}`;
  writeFileSync(
    join(folder, 'consul.json'),
    JSON.stringify({
      node_name: among?.name ?? 'test',
      server: true,
      bootstrap_expect: among || isLeaderless ? 3 : 1,
      ...(among && { retry_join: among.join, retry_interval: '200ms' }),
      data_dir: join(folder, 'data'),
      bind_addr: host,
      client_addr: host,
      ports: { http, dns, server, serf_lan: among?.serfPort ?? serf, serf_wan: -1, grpc: -1 },
      encrypt: among?.key ?? randomBytes(32).toString('base64'),
      performance: { raft_multiplier: 1, ...(isLeaderless && { rpc_hold_timeout: '300ms' }) },
      leave_on_terminate: false,
      skip_leave_on_interrupt: true,
      disable_update_check: true,
      dns_config: { allow_stale: true, only_passing: true, enable_truncate: true },
      ...(options.acl ? { acl: { enabled: true, default_policy: 'deny' } } : {}),
    }),
  );
  let child: Child | undefined;

  async function leads(): Promise<boolean> {
    const response = await fetchAnew(`${httpUrl}/v1/status/leader`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (isLeaderless || (await response.text()).length > 2);
  }
  async function start(): Promise<void> {
    // A second one would end at once, and the first be left behind.
    if (await leads().catch(() => false)) return;
    child = Child.start(
      binary!,
      ['agent', `-config-file=${join(folder, 'consul.json')}`],
      join(folder, 'log'),
    );
    await waitFor('a Consul leader', eventuallyMs, leads);
  }
  await start();
  let managementToken: string | undefined;
  if (options.acl) {
    managementToken = await waitFor('the ACL bootstrap', eventuallyMs, async () => {
      const response = await fetchAnew(`${httpUrl}/v1/acl/bootstrap`, { method: 'PUT' });
      return response.ok ? ((await response.json()) as { SecretID: string }).SecretID : undefined;
    });
  }
  return {
    host,
    httpPort: http,
    dnsPort: dns,
    serverAddress: `${host}:${server}`,
    httpUrl,
    ...(managementToken === undefined ? {} : { managementToken }),
    start,
    async stop() {
      child?.signal('SIGTERM');
      await child?.ended();
    },
    forget: () => rmSync(join(folder, 'data'), { recursive: true, force: true }),
    async backup() {
      const taken = await fetchAnew(`${httpUrl}/v1/snapshot`);
      if (!taken.ok) throw new Error(`a backup: ${taken.status} ${await taken.text()}`);
      const body = Buffer.from(await taken.arrayBuffer());
      return async () => {
        const restored = await fetchAnew(`${httpUrl}/v1/snapshot`, { method: 'PUT', body });
        if (!restored.ok) throw new Error(`restoring it: ${restored.status} ${await restored.text()}`);
      };
    },
    kill: () => child?.signalAll('SIGKILL'),
    freeze: () => child?.signalAll('SIGSTOP'),
    thaw: () => child?.signalAll('SIGCONT'),
    async destroy() {
      child?.signalAll('SIGKILL');
      await child?.ended();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
