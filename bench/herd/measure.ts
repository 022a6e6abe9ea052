import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { serverCounters, startConsulPair, type ConsulPair } from './consul-pair.js';
import type { ChangedOver } from './flock.js';
import type { Order } from './worker.js';

export interface HerdOptions {
  readonly size: number;
  /** Whether resolvers may use HTTP. */
  readonly http: boolean;
  readonly maxConnections?: number;
  readonly dnsCache?: boolean;
  readonly steadyMs: number;
}

/** What the herd cost in a stretch of time, per second. */
export interface Cost {
  readonly seconds: number;
  readonly serverRequestsPerSecond: number;
  readonly serverQueriesPerSecond: number;
  /** Fractions of one core. */
  readonly agentCpu: number;
  readonly serverCpu: number;
  readonly herdCpu: number;
}

export interface HerdReport {
  readonly options: HerdOptions;
  readonly agentSockets: number;
  readonly steady: Cost;
  readonly failover: Cost;
  readonly changedOver: ChangedOver;
  readonly complaints: readonly string[];
}

const ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));
const processes = 4;
const service = 'herd';
const [first, second] = [5_432, 5_433];
/** Retries after a start in which many were turned away are rare by then. */
const settleMs = 20_000;
const startWithinMs = 3_000;
const failoverMs = 10_000;

/** One herd on one agent of its own: at rest, and while the primary changes. */
export async function measureHerd(options: HerdOptions): Promise<HerdReport> {
  const consul = await startConsulPair(options);
  const workers: ChildProcess[] = [];
  try {
    await consul.register(service, 'a', 'primary', { host: '10.0.0.1', port: first });
    await consul.register(service, 'b', 'replica', { host: '10.0.0.2', port: second });
    const count = Math.min(processes, options.size);
    const file = fileURLToPath(new URL('./worker.js', import.meta.url));
    for (let i = 0; i < count; i++) workers.push(fork(file, { env: {} }));
    const { dns, url } = consul.agent;
    await Promise.all(
      workers.map((worker, i) => {
        const size = Math.floor((options.size + i) / count);
        const flock = { size, service, dns, url: options.http ? url : null };
        return told(worker, { do: 'start', flock, withinMs: startWithinMs }, 'done');
      }),
    );
    await pause(settleMs);
    const pids = workers.map(({ pid }) => pid!);
    const steady = await costOf(consul, pids, () => pause(options.steadyMs));
    const agentSockets = socketsOf(consul.agent.pid);
    const results: { result: ChangedOver; complaints: string[] }[] = [];
    const failover = await costOf(consul, pids, async () => {
      const answers = workers.map((worker) => answer<(typeof results)[number]>(worker, 'result'));
      const watch: Order = { do: 'watch', to: second, forMs: failoverMs };
      await Promise.all(workers.map((worker) => told(worker, watch, 'watching')));
      await consul.register(service, 'a', 'primary', { host: '10.0.0.1', port: first }, 'critical');
      const sharedMs = Number(process.hrtime.bigint()) / 1e6;
      await consul.register(service, 'b', 'primary', { host: '10.0.0.2', port: second });
      for (const worker of workers) worker.send({ do: 'changed', sharedMs } satisfies Order);
      results.push(...(await Promise.all(answers)));
    });
    return {
      options,
      agentSockets,
      steady,
      failover,
      changedOver: {
        toldMs: results.flatMap(({ result }) => result.toldMs),
        askedMs: results.flatMap(({ result }) => result.askedMs),
        never: results.reduce((sum, { result }) => sum + result.never, 0),
      },
      complaints: results.flatMap(({ complaints }) => complaints),
    };
  } finally {
    for (const worker of workers) worker.kill('SIGKILL');
    await consul.stop();
  }
}

async function costOf(
  { agent, server }: ConsulPair,
  herd: readonly number[],
  stretch: () => Promise<unknown>,
): Promise<Cost> {
  const now = async () => ({
    atMs: performance.now(),
    ...(await serverCounters(server)),
    agentCpu: cpuSeconds(agent.pid),
    serverCpu: cpuSeconds(server.pid),
    herdCpu: herd.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
  });
  const before = await now();
  await stretch();
  const after = await now();
  const seconds = (after.atMs - before.atMs) / 1_000;
  const perSecond = (key: Exclude<keyof typeof before, 'atMs'>) => (after[key] - before[key]) / seconds;
  return {
    seconds,
    serverRequestsPerSecond: perSecond('requests'),
    serverQueriesPerSecond: perSecond('queries'),
    agentCpu: perSecond('agentCpu'),
    serverCpu: perSecond('serverCpu'),
    herdCpu: perSecond('herdCpu'),
  };
}

function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function socketsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).filter((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  }).length;
}

async function told(worker: ChildProcess, order: Order, until: string): Promise<void> {
  const answered = answer(worker, until);
  worker.send(order);
  await answered;
}

async function answer<T>(worker: ChildProcess, key: string): Promise<T> {
  for (;;) {
    const [message] = (await once(worker, 'message')) as [Record<string, unknown>];
    if ('failed' in message) throw new Error(String(message['failed']));
    if (key in message) return message as T;
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
