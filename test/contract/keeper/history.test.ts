import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { selfOf } from '../../../agent/keeper/self.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import {
  buildKeeper,
  historyOf,
  majors,
  managedPrimary,
  managedStandby,
  replayed,
  type Member,
} from './member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  vi.setConfig({ testTimeout: 240_000 });
  const members: Member[] = [];
  afterEach(async () => {
    await Promise.all(members.splice(0).map((member) => member.destroy()));
  });
  const restart = async (member: Member) => {
    await member.boot();
    await member.must({ verb: 'promote' });
    await member.must({ verb: 'gate', do: 'open' });
  };
  const count = (member: Member, text: string) =>
    member.value(`SELECT count(*)::int FROM notes WHERE text = '${text}'`);

  test('a standby that has had no restartpoint on a new timeline has that timeline, also once its source is gone (D4)', async () => {
    const pg1 = await managedPrimary('pg1', binDir, built.file);
    members.push(pg1);
    const pg2 = await managedStandby('pg2', pg1, built.file);
    members.push(pg2);

    await pg1.stop('SIGQUIT');
    await restart(pg1);
    await waitFor('pg2 to be on timeline 2', eventuallyMs, async () => {
      const { sql } = await pg2.facts();
      return sql.state === 'answers' && sql.receiver?.timeline === 2;
    });
    await pg1.query("INSERT INTO notes VALUES ('acknowledged')");
    await replayed(pg2, pg1);
    await pg1.stop('SIGQUIT');

    const facts = await pg2.facts();
    // What makes this a test: the control file does not know yet.
    expect(facts.data).toMatchObject({ timeline: 1 });
    expect(facts.history).toMatchObject({ timeline: 2, forks: [{ timeline: 2, parent: 1 }] });
    expect(facts.history?.forks[0]?.mark).toMatch(/^2 after 1 at /);
    expect(selfOf(facts)).toMatchObject({ position: expect.stringMatching(/^2\//) as string });
    // A keeper that has seen nothing of it finds it on the disk.
    await pg2.killKeeper();
    await pg2.startKeeper();
    expect((await pg2.facts()).history).toEqual(facts.history);

    await restart(pg1);
    const followed = await pg2.must({ verb: 'follow', ...pg1.source, history: await historyOf(pg1) });
    expect(followed).toMatchObject({ streaming: true, timeline: 3 });
    await replayed(pg2, pg1);
    expect(await count(pg2, 'acknowledged')).toBe(1);
  });

  test('a standby that only fetched the file of a new timeline, and has WAL behind its fork, is on the old one (D4)', async () => {
    const pg1 = await managedPrimary('pg1', binDir, built.file);
    members.push(pg1);
    const pg2 = await managedStandby('pg2', pg1, built.file);
    members.push(pg2);
    const pg3 = await managedStandby('pg3', pg1, built.file);
    members.push(pg3);

    await pg2.must({ verb: 'follow' });
    await pg1.query("INSERT INTO notes SELECT 'not on pg2' FROM generate_series(1, 1000)");
    await replayed(pg3, pg1);
    await pg1.stop('SIGQUIT');
    await pg2.must({ verb: 'promote' });
    await pg2.must({ verb: 'gate', do: 'open' });
    await pg2.query("INSERT INTO notes SELECT 'on pg2' FROM generate_series(1, 5000)");
    expect(await pg3.refusal({ verb: 'follow', ...pg2.source, history: await historyOf(pg2) })).toBe(
      'diverged',
    );

    // As someone does who sets primary_conninfo by hand: nothing checks anything.
    // For a moment it may be seen to stream, the old timeline to its end.
    await pg3.call({ verb: 'follow', ...pg2.source, deadlineMs: 2_000 });
    await waitFor('pg3 to be refused by pg2', eventuallyMs, () =>
      /requested starting point .* is not in this server's history|forked off current/.test(pg3.log()),
    );
    expect((await pg3.facts()).history).toMatchObject({ timeline: 1, forks: [] });
  });
});
