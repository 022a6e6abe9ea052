import pg from 'pg';
import { Pool } from '../sidecar/index.js';
import type { ConsulAgent, Pair } from './servers.js';
import { spread, type Spread } from './statistics.js';

export interface PoolRow {
  readonly statement: string;
  readonly concurrency: number;
  /** Queries per second of bare pg. */
  readonly bareQps: number;
  /** Bare pg against itself, then hotspare against bare pg. */
  readonly throughput: { readonly again: Spread; readonly hotspare: Spread };
  readonly cpuPerQuery: { readonly again: Spread; readonly hotspare: Spread };
}

export interface PoolReport {
  readonly rounds: number;
  readonly roundMs: number;
  readonly rows: readonly PoolRow[];
  /** CPU of one idle pool with its monitors, percent of one core. */
  readonly idleCpuPercent: number;
}

const statements = {
  'SELECT 1': ['SELECT 1', undefined],
  INSERT: ['INSERT INTO bench (text) VALUES ($1)', ['a small row']],
} as const;

interface Sample {
  readonly qps: number;
  readonly cpuUs: number;
}

/** Three pools in one process, taking turns: bare pg, bare pg again, and hotspare with discovery and monitors running. */
export async function comparePools(
  pair: Pair,
  consul: ConsulAgent,
  { quick }: { quick: boolean },
): Promise<PoolReport> {
  const rounds = quick ? 8 : 40;
  const roundMs = quick ? 150 : 300;
  const size = { max: 32, ...pair.login };
  const bareIdle = await idleCpuPercent(quick ? 1_000 : 4_000);
  const pools = {
    bare: new pg.Pool({ ...size, ...pair.primary }),
    again: new pg.Pool({ ...size, ...pair.primary }),
    hotspare: new Pool({
      ...size,
      host: 'pg.service.consul',
      hotspare: { dns: consul.dns, http: { url: consul.url }, cacheFile: false },
    }),
  };
  try {
    await pools.bare.query('CREATE TABLE bench (id bigserial PRIMARY KEY, text text)');
    const rows: PoolRow[] = [];
    for (const statement of Object.keys(statements) as (keyof typeof statements)[]) {
      for (const concurrency of [1, 8, 32])
        rows.push(await compare(pools, statement, concurrency, rounds, roundMs));
    }
    const idle = (await idleCpuPercent(quick ? 1_000 : 4_000)) - bareIdle;
    return { rounds, roundMs, rows, idleCpuPercent: Math.max(0, idle) };
  } finally {
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
  }
}

async function compare(
  pools: Record<'bare' | 'again' | 'hotspare', pg.Pool>,
  statement: keyof typeof statements,
  concurrency: number,
  rounds: number,
  roundMs: number,
): Promise<PoolRow> {
  const names = ['bare', 'again', 'hotspare'] as const;
  for (const name of names) await load(pools[name], statement, concurrency, roundMs);
  const samples: Record<(typeof names)[number], Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    // A different order each time: whoever runs after whom must not decide.
    const order = names.map((_, i) => names[(i + round) % 3]!);
    if (round % 2 === 1) order.reverse();
    const taken = {} as Record<(typeof names)[number], Sample>;
    for (const name of order) taken[name] = await load(pools[name], statement, concurrency, roundMs);
    samples.push(taken);
  }
  const ratio = (name: 'again' | 'hotspare', of: keyof Sample) =>
    spread(samples.map((sample) => sample[name][of] / sample.bare[of]));
  return {
    statement,
    concurrency,
    bareQps: spread(samples.map(({ bare }) => bare.qps)).median,
    throughput: { again: ratio('again', 'qps'), hotspare: ratio('hotspare', 'qps') },
    cpuPerQuery: { again: ratio('again', 'cpuUs'), hotspare: ratio('hotspare', 'cpuUs') },
  };
}

async function load(
  pool: pg.Pool,
  statement: keyof typeof statements,
  concurrency: number,
  forMs: number,
): Promise<Sample> {
  const [text, values] = statements[statement];
  let done = 0;
  const cpu = process.cpuUsage();
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      while (performance.now() - startedMs < forMs) {
        await pool.query(text, values as unknown as unknown[]);
        done += 1;
      }
    }),
  );
  const tookMs = performance.now() - startedMs;
  const { user, system } = process.cpuUsage(cpu);
  return { qps: (done * 1_000) / tookMs, cpuUs: (user + system) / done };
}

async function idleCpuPercent(forMs: number): Promise<number> {
  const cpu = process.cpuUsage();
  await new Promise((resolve) => setTimeout(resolve, forMs));
  const { user, system } = process.cpuUsage(cpu);
  return (user + system) / (forMs * 10);
}
