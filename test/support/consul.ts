import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findBinaries } from '../../common/runtime/binaries.js';
import { Child } from './child.js';
import { eventuallyMs } from './patience.js';
import { freePorts } from './ports.js';
import { waitFor } from './wait.js';

export interface RealConsul {
  readonly host: string;
  readonly httpPort: number;
  readonly dnsPort: number;
  readonly httpUrl: string;
  /** With `acl: true`. */
  readonly managementToken?: string;
  start(): Promise<void>;
  /** SIGTERM; data and ports are kept for the next `start`. */
  stop(): Promise<void>;
  kill(): void;
  freeze(): void;
  thaw(): void;
  destroy(): Promise<void>;
}

/** One real Consul server on 127.0.0.1, free ports, its data in a temporary folder. */
export async function startConsul(options: { acl?: boolean } = {}): Promise<RealConsul> {
  const binary = findBinaries().consul;
  if (!binary) throw new Error('consul is not installed: run `npx hotspare setup`');
  const host = '127.0.0.1';
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-consul-'));
  const [http, dns, server, serf] = (await freePorts(4, host)) as [number, number, number, number];
  const httpUrl = `http://${host}:${http}`;
  writeFileSync(
    join(folder, 'consul.json'),
    JSON.stringify({
      node_name: 'test',
      server: true,
      bootstrap_expect: 1,
      data_dir: join(folder, 'data'),
      bind_addr: host,
      client_addr: host,
      ports: { http, dns, server, serf_lan: serf, serf_wan: -1, grpc: -1 },
      encrypt: randomBytes(32).toString('base64'),
      performance: { raft_multiplier: 1 },
      leave_on_terminate: false,
      skip_leave_on_interrupt: true,
      disable_update_check: true,
      dns_config: { allow_stale: true, only_passing: true, enable_truncate: true },
      ...(options.acl ? { acl: { enabled: true, default_policy: 'deny' } } : {}),
    }),
  );
  let child: Child | undefined;

  async function leads(): Promise<boolean> {
    const response = await fetch(`${httpUrl}/v1/status/leader`, { signal: AbortSignal.timeout(1_000) });
    return response.ok && (await response.text()).length > 2;
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
      const response = await fetch(`${httpUrl}/v1/acl/bootstrap`, { method: 'PUT' });
      return response.ok ? ((await response.json()) as { SecretID: string }).SecretID : undefined;
    });
  }
  return {
    host,
    httpPort: http,
    dnsPort: dns,
    httpUrl,
    ...(managementToken === undefined ? {} : { managementToken }),
    start,
    async stop() {
      child?.signal('SIGTERM');
      await child?.ended();
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
