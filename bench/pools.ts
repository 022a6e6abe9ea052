import pg from 'pg';
import { Pool } from '../sidecar/index.js';
import type { OtherCommit } from './against.js';
import type { ConsulAgent, Pair } from './servers.js';
import { spread, type Spread } from './statistics.js';

export interface PoolRow {
  readonly statement: string;
  readonly concurrency: number;
  /** Queries per second of bare pg. */
  readonly bareQps: number;
  readonly throughput: Ratios;
  readonly cpuPerQuery: Ratios;
}

export interface Ratios {
  /** Bare pg against itself. */
  readonly again: Spread;
  /** hotspare against bare pg. */
  readonly hotspare: Spread;
  /** hotspare against the library of another commit, if one takes part. */
  readonly against?: Spread;
}

export interface PoolReport {
  readonly rounds: number;
  readonly roundMs: number;
  /** The other commit that takes part. */
  readonly against?: string;
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

interface Contestants {
  readonly bare: pg.Pool;
  readonly again: pg.Pool;
  readonly hotspare: pg.Pool;
  readonly other?: pg.Pool;
}

/**
 * Pools in one process, taking turns: bare pg, bare pg again, and hotspare with discovery and monitors running; the
 * hotspare of another commit, if there is one.
 */
export async function comparePools(
  pair: Pair,
  consul: ConsulAgent,
  { quick, other }: { quick: boolean; other: OtherCommit | undefined },
): Promise<PoolReport> {
  const rounds = quick ? 8 : 40;
  const roundMs = quick ? 150 : 300;
  const size = { max: 32, ...pair.login };
  const bareIdle = await idleCpuPercent(quick ? 1_000 : 4_000);
  const discovered = {
    ...size,
    host: 'pg.service.consul',
    hotspare: { dns: consul.dns, http: { url: consul.url }, cacheFile: false as const },
  };
  const pools: Contestants = {
    bare: new pg.Pool({ ...size, ...pair.primary }),
    again: new pg.Pool({ ...size, ...pair.primary }),
    hotspare: new Pool(discovered),
    ...(other && { other: new other.Pool(discovered) }),
  };
  try {
    await pools.bare.query('CREATE TABLE bench (id bigserial PRIMARY KEY, text text)');
    const rows: PoolRow[] = [];
    for (const statement of Object.keys(statements) as (keyof typeof statements)[]) {
      for (const concurrency of [1, 8, 32])
        rows.push(await compare(pools, statement, concurrency, rounds, roundMs));
    }
    const idle = (await idleCpuPercent(quick ? 1_000 : 4_000)) - bareIdle;
    return {
      rounds,
      roundMs,
      rows,
      ...(other && { against: other.commit }),
      idleCpuPercent: Math.max(0, idle) / (other ? 2 : 1),
    };
  } finally {
    await Promise.all(Object.values(pools).map((pool: pg.Pool) => pool.end()));
  }
}

async function compare(
  pools: Contestants,
  statement: keyof typeof statements,
  concurrency: number,
  rounds: number,
  roundMs: number,
): Promise<PoolRow> {
  const names = Object.keys(pools) as (keyof Contestants)[];
  const turn = (name: keyof Contestants) => load(pools[name]!, statement, concurrency, roundMs);
  for (const name of names) await turn(name);
  const samples: Record<keyof Contestants, Sample>[] = [];
  for (let round = 0; round < rounds; round++) {
    // A different order each time: whoever runs after whom must not decide.
    const order = names.map((_, i) => names[(i + round) % names.length]!);
    if (round % 2 === 1) order.reverse();
    const taken = {} as Record<keyof Contestants, Sample>;
    for (const name of order) taken[name] = await turn(name);
    samples.push(taken);
  }
  const ratios = (of: keyof Sample): Ratios => {
    const ratio = (name: keyof Contestants, to: keyof Contestants) =>
      spread(samples.map((sample) => sample[name][of] / sample[to][of]));
    return {
      again: ratio('again', 'bare'),
      hotspare: ratio('hotspare', 'bare'),
      ...(pools.other && { against: ratio('hotspare', 'other') }),
    };
  };
  return {
    statement,
    concurrency,
    bareQps: spread(samples.map(({ bare }) => bare.qps)).median,
    throughput: ratios('qps'),
    cpuPerQuery: ratios('cpuUs'),
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
