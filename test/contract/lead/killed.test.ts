import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { seededRandom } from '../../support/random.js';
import { buildKeeper, majors } from '../keeper/member.js';
import { Cluster, Writer } from './cluster.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

/** The rows of a switchover in their order, each with the member whose row it is. (The role is taken back before `retract` can wait for it.) */
const steps = [
  ['drain', 'from'],
  ['hold', 'from'],
  ['make-final', 'from'],
  ['hand-over', 'from'],
  ['take-ordered', 'to'],
  ['promote', 'to'],
  ['record-promotion', 'to'],
  ['open-gate', 'to'],
  ['step-down', 'from'],
] as const;
const victims = ['agent', 'keeper', 'postmaster'] as const;
const sides = ['from', 'to'] as const;
const all = steps.flatMap(([row, at]) =>
  victims.flatMap((victim) => sides.map((side) => ({ row, at, victim, side }))),
);

const seed = Number(process.env['HOTSPARE_SEED'] ?? Math.floor(Math.random() * 1e9));
/** All of them with HOTSPARE_TEST_ALL, else some, drawn by the seed. */
const chosen = process.env['HOTSPARE_TEST_ALL'] ? all : draw(all, 3);

function draw<T>(from: readonly T[], count: number): T[] {
  const random = seededRandom(seed);
  const left = [...from];
  return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0] as T);
}

describe.each(majors)(`PostgreSQL $major, seed ${seed}`, ({ binDir }) => {
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
  let cluster: Cluster | undefined;
  let writer: Writer | undefined;
  afterEach(async () => {
    await writer?.end();
    await cluster?.destroy();
    writer = cluster = undefined;
  });

  test.each(chosen)(
    '$victim of the $side side killed at "$row": finished or given up, nothing lost (L5, O4)',
    async ({ row, at, victim, side }) => {
      cluster = await Cluster.make(binDir, built.file);
      await cluster.begin();
      const names = { from: 'pg1', to: 'pg2' } as const;
      const target = cluster.lead(names[side]);
      writer = new Writer(cluster.leads.map(({ member }) => member));
      await cluster.switchUntil(names, cluster.lead(names[at]), row);
      await target.kill(victim);
      const primary = await cluster.settledSomewhere();
      // Two would show: each number is inserted once, wherever a member lets it.
      await writer.end();
      const kept = new Set(
        (await cluster.lead(primary).member.query('SELECT n FROM tally')).map(([n]) => Number(n)),
      );
      expect(
        writer.acknowledged.filter((n) => !kept.has(n)),
        cluster.story(),
      ).toEqual([]);
      expect(writer.acknowledged.length).toBeGreaterThan(0);
    },
  );
});
