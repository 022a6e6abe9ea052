import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { buildKeeper, majors } from '../keeper/member.js';
import { Cluster, Writer } from './cluster.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

/** How often the lease goes to and fro under load. */
const switchovers = process.env['HOTSPARE_TEST_ALL'] ? 50 : 4;

describe.each(majors)('PostgreSQL $major: an operator moves the primary', ({ binDir }) => {
  vi.setConfig({ testTimeout: 300_000, hookTimeout: 120_000 });
  let cluster: Cluster | undefined;
  let writer: Writer | undefined;
  afterEach(async () => {
    await writer?.end();
    await cluster?.destroy();
    writer = cluster = undefined;
  });
  const written = async (primary: string) =>
    new Set((await cluster!.lead(primary).member.query('SELECT n FROM tally')).map(([n]) => Number(n)));

  test('to and fro under load: nothing acknowledged is lost, the old primary streams again (O4)', async () => {
    cluster = await Cluster.make(binDir, built.file);
    await cluster.begin();
    const members = cluster.leads.map(({ member }) => member);
    writer = new Writer(members);
    const pausesMs: number[] = [];
    let [from, to] = ['pg1', 'pg2'];
    for (let done = 0; done < switchovers; done += 1) {
      writer.reset();
      await cluster.switchUntil({ from, to }, cluster.lead(to), 'open-gate');
      await cluster.settled(to);
      pausesMs.push(Math.round(writer.longestPauseMs));
      [from, to] = [to, from];
    }
    await writer.end();
    const kept = await written(from);
    const lost = writer.acknowledged.filter((n) => !kept.has(n));
    console.log(
      `${switchovers} switchovers, ${writer.acknowledged.length} acknowledged, ${lost.length} lost; pauses in ms: ${pausesMs.join(' ')}`,
    );
    expect(lost).toEqual([]);
    // Behind the fork lies no commit, so there is nothing to keep.
    for (const member of members)
      expect([member.name, member.has('state/kept')]).toEqual([member.name, false]);
    expect(writer.acknowledged.length).toBeGreaterThan(switchovers);
    const { epoch } = await cluster.snapshot();
    expect(epoch).toMatchObject({ kind: 'value', value: 1 + switchovers });
  });
});
