import { existsSync, readdirSync, rmSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { KnownSelf } from '../../../agent/core/lead/model.js';
import { selfOf } from '../../../agent/keeper/self.js';
import type { RequestOf } from '../../../common/keeper/protocol.js';
import { place } from '../../../common/postgres/position.js';
import { eventuallyMs } from '../../support/patience.js';
import { seededRandom } from '../../support/random.js';
import { waitFor } from '../../support/wait.js';
import {
  buildKeeper,
  historyOf,
  majors,
  managedPrimary,
  managedStandby,
  replayed,
  streaming,
  type Member,
} from './member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

const kills = process.env['HOTSPARE_TEST_ALL'] ? 20 : 6;

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  vi.setConfig({ testTimeout: 240_000 });
  const members: Member[] = [];
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.destroy()));
  });
  async function pair(): Promise<[Member, Member]> {
    const pg1 = await managedPrimary('pg1', binDir, built.file);
    members.push(pg1);
    const pg2 = await managedStandby('pg2', pg1, built.file);
    members.push(pg2);
    return [pg1, pg2];
  }
  const add = async (member: Promise<Member>) => {
    members.push(await member);
    return member;
  };
  async function promote(member: Member): Promise<void> {
    await member.must({ verb: 'promote' });
    await member.must({ verb: 'gate', do: 'open' });
  }
  const count = (member: Member, text: string) =>
    member.value(`SELECT count(*)::int FROM notes WHERE text = '${text}'`);
  const order = async (
    method: 'follow' | 'rewind' | 'basebackup',
    to: Member,
  ): Promise<RequestOf<'rejoin'>> => ({
    verb: 'rejoin',
    method,
    ...to.source,
    history: await historyOf(to),
  });
  /** What its agent makes of its keeper's looks until `work` is done. */
  async function looksDuring(member: Member, work: () => Promise<void>) {
    const looks: KnownSelf[] = [];
    let isOver = false;
    const over = work().finally(() => (isOver = true));
    while (!isOver) {
      const self = selfOf(await member.facts());
      if (self.kind === 'known') looks.push(self);
    }
    await over;
    return looks;
  }
  /** Rows that nobody else has: written behind the gate, as a primary that was never told does. */
  const writeAlone = (member: Member, text: string) =>
    member.query(
      `SET synchronous_commit = local; INSERT INTO notes SELECT '${text}' FROM generate_series(1, 1000)`,
    );

  test('the old primary: refused to follow, rewound, its WAL kept; a third one just follows (D3, D4)', async () => {
    const [pg1, pg2] = await pair();
    const pg3 = await add(managedStandby('pg3', pg1, built.file));
    await pg1.query("INSERT INTO notes VALUES ('replicated')");
    // A checkpoint that no session waits for is spread over minutes when it has much to write.
    await pg1.query("INSERT INTO notes SELECT 'to write' FROM generate_series(1, 100000)");
    await Promise.all([replayed(pg2, pg1), replayed(pg3, pg1)]);
    await pg3.must({ verb: 'follow' });
    await pg2.must({ verb: 'follow' });
    await pg1.query("INSERT INTO notes SELECT 'never replicated' FROM generate_series(1, 1000)");
    // The checkpoint that follows a promotion has to wait.
    const checkpointer = Number(
      await pg2.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"),
    );
    await pg2.must({ verb: 'promote' });
    await pg2.must({ verb: 'gate', do: 'open' });
    process.kill(checkpointer, 'SIGSTOP');
    await pg2.query("INSERT INTO notes VALUES ('new')");

    expect(await pg3.must(await order('follow', pg2))).toMatchObject({ method: 'follow' });
    await streaming(pg3, pg2);

    // Its gate is open: it is still the primary as far as its keeper knows.
    expect(await pg1.refusal(await order('rewind', pg2))).toBe('gate-not-closed');
    await pg1.must({ verb: 'fence' });
    expect(await pg1.refusal(await order('rewind', pg2))).toBe('not-clean');
    await pg1.boot();
    expect(await pg1.refusal(await order('follow', pg2))).toBe('diverged');

    // A control file that is still on the old timeline is waited for (D4).
    const said: string[] = [];
    const rejoined = pg1.call(await order('rewind', pg2), (text) => said.push(text));
    await waitFor('the wait for a checkpoint', eventuallyMs, () =>
      said.some((text) => text.includes('first checkpoint')),
    );
    process.kill(checkpointer, 'SIGCONT');
    await pg2.must({ verb: 'checkpoint' });
    const answer = await rejoined;
    expect(answer).toMatchObject({ outcome: 'done', result: { method: 'rewind' } });
    const kept = answer.outcome === 'done' ? answer.result.kept : undefined;
    expect(kept?.bytes).toBeGreaterThan(0);
    // What lies behind the fork, and not whole segments.
    expect(kept?.bytes).toBeLessThan(4 * 1_048_576);
    expect(readdirSync(kept!.folder).some((name) => name.startsWith('00000001'))).toBe(true);
    await pg1.boot();
    await streaming(pg1, pg2);
    await replayed(pg1, pg2);
    expect([await count(pg1, 'new'), await count(pg1, 'never replicated')]).toEqual([1, 0]);
    expect(await pg1.facts()).toMatchObject({
      standbySignal: true,
      gate: { kind: 'closed', sinceStart: true },
    });
    expect(await pg1.value('SELECT pg_is_in_recovery()')).toBe(true);
  });

  test('two histories under one timeline number: neither followed nor rewound, but replaced (D4)', async () => {
    const [pg1, pg2] = await pair();
    await pg1.stop();
    await waitFor(
      'pg2 to notice',
      eventuallyMs,
      async () => (await pg2.value('SELECT count(*)::int FROM pg_stat_wal_receiver')) === 0,
    );
    await promote(pg2);
    await pg1.boot();
    await promote(pg1);
    await pg1.query("INSERT INTO notes VALUES ('of the other history')");
    await pg2.must({ verb: 'checkpoint' });
    await pg1.must({ verb: 'gate', do: 'close' });
    const [one, two] = [await pg1.facts(), await pg2.facts()];
    expect([one.data, two.data]).toMatchObject([{ timeline: 2 }, { timeline: 2 }]);
    expect(await pg1.refusal(await order('rewind', pg2))).toBe('other-history');
    // Started anew it is in recovery, on a timeline of the right number.
    await pg1.stop();
    await pg1.boot();
    expect(await pg1.refusal(await order('follow', pg2))).toBe('other-history');
    expect(await pg1.must(await order('basebackup', pg2))).toMatchObject({
      method: 'basebackup',
      kept: { bytes: expect.any(Number) as number },
    });
    // It comes with the control file of a running primary, and is never taken for one.
    const looks = await looksDuring(pg1, () => pg1.boot());
    expect(looks.filter(({ process, writable }) => process === 'running' && writable)).toEqual([]);
    await streaming(pg1, pg2);
    expect(await count(pg1, 'of the other history')).toBe(0);
    expect((await pg1.facts()).incarnation).not.toBe(one.incarnation);
    // A clone has no WAL of the fork, and still knows its history: none of what it streamed is taken for its own.
    expect(await pg1.must(await order('follow', pg2))).toMatchObject({ method: 'follow' });
    await pg2.query("INSERT INTO notes VALUES ('streamed')");
    await replayed(pg1, pg2);
    expect(await pg1.must(await order('basebackup', pg2))).not.toHaveProperty('kept');
  });

  test('no source that is in recovery, of another system, or without its signal file (D2)', async () => {
    const [pg1, pg2] = await pair();
    const other = await add(managedPrimary('pg9', binDir, built.file));
    await pg2.stop();
    expect(await pg2.refusal({ ...(await order('basebackup', pg1)), ...other.source })).toBe('other-system');
    await pg2.boot();
    expect(await pg1.refusal(await order('basebackup', pg2))).toBe('gate-not-closed');
    await other.must({ verb: 'gate', do: 'close' });
    expect(await other.refusal({ ...(await order('basebackup', pg1)), ...pg2.source })).toBe(
      'source-not-ready',
    );
    rmSync(`${pg1.dataDir}/standby.signal`);
    expect(await pg2.refusal(await order('basebackup', pg1))).toBe('source-not-ready');
    expect(await pg2.facts()).not.toHaveProperty('rewinding');
  });

  test(
    `killed at ${kills} random points, booted in between: never writable, and whole in the end (D2)`,
    async () => {
      const seed = Number(process.env['HOTSPARE_SEED'] ?? Math.floor(Math.random() * 1e9));
      const random = seededRandom(seed);
      const [pg2, pg1] = await pair();
      let rejoinMs = 800;
      const met: string[] = [];
      for (let round = 0; round < kills; round++) {
        const where = `seed ${seed}, round ${round}`;
        await pg1.run('pg_ctl', ['promote', '-D', pg1.dataDir]);
        await waitFor(
          'a promotion by hand',
          eventuallyMs,
          async () => !(await pg1.value('SELECT pg_is_in_recovery()')),
        );
        await writeAlone(pg1, `alone ${round}`);
        await pg2.query(`INSERT INTO notes VALUES ('round ${round}')`);
        const method = random() < 0.7 ? 'rewind' : 'basebackup';
        const began = performance.now();
        const cut = pg1.call(await order(method, pg2));
        const killed = new Promise((resolve) => setTimeout(resolve, random() * rejoinMs)).then(() =>
          pg1.killKeeper(),
        );
        await Promise.all([cut, killed]);
        met.push(`${method} ${Math.round(performance.now() - began)} ms: ${(await cut).outcome}`);

        // Programs of a killed keeper may still be at work: what is booted is booted beside them. By hand, then by the unit.
        const alive =
          pg1.has('var/data') &&
          (await pg1.query('SELECT 1').then(
            () => true,
            () => false,
          ));
        if (!alive) await bootByHand(pg1, where);
        await expectNeverWritable(pg1, where);
        await pg1.stop();
        await pg1.startKeeper();
        if ((await pg1.facts()).rewinding) {
          expect(pg1.prepareStart().status, where).toBe(1);
          expect(await pg1.refusal(await order('rewind', pg2)), where).toBe('rewinding');
        }
        const whole = performance.now();
        if ((await pg1.facts()).rewinding ?? (await cut).outcome !== 'done')
          await pg1.must(await order('basebackup', pg2));
        rejoinMs = Math.max(300, performance.now() - whole);
        await pg1.boot();
        await streaming(pg1, pg2);
        await replayed(pg1, pg2);
        expect([await count(pg1, `round ${round}`), await count(pg1, `alone ${round}`)], where).toEqual([
          1, 0,
        ]);
        expect(await pg2.facts(), where).toMatchObject({ data: { timeline: 1 }, gate: { kind: 'open' } });
      }
      console.log(`rejoin cut off, seed ${seed}: ${met.join('; ')}`);
    },
    kills * 40_000,
  );

  async function bootByHand(member: Member, where: string): Promise<void> {
    await member.bootBare(false);
    await waitFor(`${where}: Postgres to answer or to end`, eventuallyMs, async () => {
      if (!member.postmaster.running) return true;
      return member.query('SELECT 1').then(
        () => true,
        () => false,
      );
    });
  }

  async function expectNeverWritable(member: Member, where: string): Promise<void> {
    if (!existsSync(member.dataDir)) return;
    const state = await member.query('SELECT pg_is_in_recovery()').catch(() => undefined);
    if (state === undefined) return;
    if (state[0]?.[0] === true) return;
    // Cut off before anything was done: as it was, promoted by hand, behind its gate.
    const client = await member.client();
    const acknowledged = await Promise.race([
      client.query("INSERT INTO notes VALUES ('acknowledged')").then(
        () => true,
        () => false,
      ),
      new Promise((resolve) => setTimeout(() => resolve(false), 300)),
    ]);
    expect(acknowledged, where).toBe(false);
    // Not from the control file, which may still show the old one: the first checkpoint takes its time.
    expect(await member.value(`SELECT ${place.writtenTimeline} > '00000001'`), where).toBe(true);
  }
});
