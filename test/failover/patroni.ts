import { performance } from 'node:perf_hooks';
import { Pool } from '../../sidecar/index.js';
import { startConsul } from '../support/consul.js';
import {
  failoverMs,
  patroniVersion,
  startPatroni,
  type PatroniNode,
  type PatroniTimings,
} from '../support/programs/patroni.js';
import { waitFor } from '../support/wait.js';
import { writeWaitMs, type System } from './system.js';

/** Two members under Debian's Patroni with Consul, each Patroni running on after its Postgres was killed. */
export async function patroni(name: string, timings: PatroniTimings): Promise<System> {
  const consul = await startConsul();
  const cluster = await startPatroni(consul, 'bench', { service_check_interval: '1s' }, timings).catch(
    async (error: unknown) => {
      await consul.destroy();
      throw error;
    },
  );
  const isIn = (node: PatroniNode, role: 'primary' | 'replica') => node.serves(role).catch(() => false);
  const primary = async () => {
    for (const node of cluster.nodes) if (await isIn(node, 'primary')) return node;
    return undefined;
  };
  const isWhole = async () => {
    const leader = await primary();
    const other = cluster.nodes.find((node) => node !== leader);
    if (!leader || !other || !(await isIn(other, 'replica'))) return false;
    return (await leader.query('SELECT 1 FROM pg_stat_replication')).length > 0;
  };
  await waitFor('Patroni to have both members', failoverMs, isWhole, 200);
  await (await primary())?.query('CREATE TABLE failover_bench (n bigint PRIMARY KEY)', 'app');
  await (await primary())?.query('ALTER TABLE failover_bench OWNER TO app', 'app');
  return {
    name: `${patroniVersion()}, ${name}`,
    pool: () =>
      new Pool({
        connectionString: 'postgres://app:app@bench.service.consul/app',
        hotspare: {
          dns: { host: consul.host, port: consul.dnsPort },
          http: { url: consul.httpUrl },
          cacheFile: false,
        },
        writeWaitMs,
      }),
    kill: async () => {
      const pid = (await primary())!.postmasterPid();
      const atMs = performance.now();
      process.kill(pid, 'SIGKILL');
      return atMs;
    },
    recover: async () => {
      await waitFor('Patroni to have both members again', failoverMs, isWhole, 200);
    },
    remove: async () => {
      await cluster.destroy();
      await consul.destroy();
    },
  };
}
