import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { spread, type Spread } from '../statistics.js';
import type { Built } from '../against.js';
import type { Call, Taken, Turn } from './contestant.js';

export interface CpuRow {
  readonly call: Call;
  readonly concurrency: number;
  /** µs of CPU for a statement. */
  readonly bareUs: number;
  readonly hotspareUs: number;
  /** µs more for a statement: the median over the generations, with its quartiles. */
  readonly overBare: Spread;
  readonly overAgain: Spread;
  readonly overAgainst?: Spread;
  readonly ratioToBare: Spread;
  /** Of one build against itself in another process: what a difference must exceed to be one. */
  readonly ratioAgain: Spread;
  readonly ratioToAgainst?: Spread;
}

export interface CpuReport {
  readonly generations: number;
  readonly rounds: number;
  /** The other commit that takes part. */
  readonly against?: string;
  readonly rows: readonly CpuRow[];
}

const workloads: readonly (Omit<Turn, 'queries'> & { readonly queries: number })[] = [
  { call: "pool.query('SELECT 1')", concurrency: 1, queries: 2_000 },
  { call: "pool.query('SELECT 1')", concurrency: 8, queries: 2_000 },
  { call: 'pool.query(INSERT, values)', concurrency: 1, queries: 1_500 },
  { call: 'pool.query({name, text, values})', concurrency: 1, queries: 1_500 },
  { call: "client.query('SELECT 1')", concurrency: 1, queries: 3_000 },
];

/** Each build takes part twice, in processes of its own: V8 optimizes each process a little differently. */
type Name = 'bare' | 'bareAgain' | 'hotspare' | 'hotspareAgain' | 'other' | 'otherAgain';

/**
 * CPU per statement where the server costs nothing: canned answers in the same process. Builds take turns, each in a process of
 * its own, as in an app; a generation is a new set of processes.
 */
export async function compareCpu(
  here: Built,
  { quick, other }: { readonly quick: boolean; readonly other: Built | undefined },
): Promise<CpuReport> {
  const generations = quick ? 3 : 6;
  const rounds = quick ? 8 : 16;
  const builds: [Name, string | undefined][] = [
    ['bare', undefined],
    ['bareAgain', undefined],
    ['hotspare', here.file],
    ['hotspareAgain', here.file],
    ...(other
      ? ([
          ['other', other.file],
          ['otherAgain', other.file],
        ] as [Name, string][])
      : []),
  ];
  const taken: Figures[][] = workloads.map(() => []);
  for (let generation = 0; generation < generations; generation++) {
    const contestants = await Promise.all(
      builds.map(async ([name, file]) => [name, await start(file)] as const),
    );
    try {
      for (const [at, workload] of workloads.entries())
        taken[at]!.push(await race(contestants, workload, rounds));
    } finally {
      for (const [, child] of contestants) child.kill();
    }
  }
  return {
    generations,
    rounds,
    ...(other && { against: other.commit }),
    rows: workloads.map(({ call, concurrency }, at) => ({ call, concurrency, ...figures(taken[at]!) })),
  };
}

/** Of one generation: the first quartile of the rounds, µs. */
type Figures = Readonly<Record<Name, number>>;

async function start(file: string | undefined): Promise<ChildProcess> {
  const module = fileURLToPath(new URL('./contestant.js', import.meta.url));
  const child = fork(module, file === undefined ? [] : [file], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`a contestant of the CPU benchmark ended before it was ready (${file ?? 'bare pg'})`);
  });
  await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => {});
  return child;
}

async function race(
  contestants: readonly (readonly [Name, ChildProcess])[],
  workload: Turn,
  rounds: number,
): Promise<Figures> {
  const samples = {} as Record<Name, number[]>;
  for (const [name, child] of contestants) {
    samples[name] = [];
    for (let warming = 0; warming < 3; warming++) await take(child, workload);
  }
  for (let round = 0; round < rounds; round++) {
    // A different order each time: whoever runs after whom must not decide.
    const order = contestants.map((_, i) => contestants[(i + round) % contestants.length]!);
    if (round % 2 === 1) order.reverse();
    for (const [name, child] of order) samples[name].push(await take(child, workload));
  }
  // The first quartile: what else runs on the machine only ever adds.
  const figures = Object.entries(samples).map(([name, of]) => [name, spread(of).low]);
  return Object.fromEntries(figures) as Figures;
}

async function take(child: ChildProcess, turn: Turn): Promise<number> {
  child.send(turn);
  const [taken] = (await once(child, 'message')) as [Taken];
  return taken.cpuUs;
}

function figures(taken: readonly Figures[]): Omit<CpuRow, 'call' | 'concurrency'> {
  const both = (a: Name, b: Name) => taken.map((of) => (of[a] + of[b]) / 2);
  const bare = both('bare', 'bareAgain');
  const hotspare = both('hotspare', 'hotspareAgain');
  const other = both('other', 'otherAgain');
  const ratio = (a: readonly number[], b: readonly number[]) => spread(a.map((us, i) => us / b[i]!));
  const over = (a: readonly number[], b: readonly number[]) => spread(a.map((us, i) => us - b[i]!));
  const again = taken.flatMap((of) => [
    [of.bareAgain, of.bare],
    [of.hotspareAgain, of.hotspare],
    ...(of.other ? [[of.otherAgain, of.other]] : []),
  ]) as [number, number][];
  const [first, second] = [again.map(([us]) => us), again.map(([, us]) => us)];
  const against = taken.some((of) => of.other);
  return {
    bareUs: spread(bare).median,
    hotspareUs: spread(hotspare).median,
    overBare: over(hotspare, bare),
    overAgain: over(first, second),
    ratioToBare: ratio(hotspare, bare),
    ratioAgain: ratio(first, second),
    ...(against && { overAgainst: over(hotspare, other), ratioToAgainst: ratio(hotspare, other) }),
  };
}
