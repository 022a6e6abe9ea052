import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { buildKeeper, majors } from '../keeper/member.js';
import { Cluster, Writer } from './cluster.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)('PostgreSQL $major: promotion=auto', ({ binDir }) => {
  vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
  let cluster: Cluster;
  let writer: Writer | undefined;
  afterEach(async () => {
    await writer?.end();
    await cluster?.destroy();
    writer = undefined;
  });

  const begin = async (more: { maxFailovers?: number } = {}) => {
    cluster = await Cluster.make(binDir, built.file);
    await cluster.begin();
    await cluster.setPolicy({ durability: 'sync', promotion: 'auto', maxFailovers: 100, ...more });
    await cluster.recorded('sync', 'pg1', 'pg2');
    const [pg1, pg2] = [cluster.lead('pg1').member, cluster.lead('pg2').member];
    writer = new Writer([pg1, pg2]);
    await acknowledgesMore();
    return [pg1, pg2] as const;
  };
  const other = (name: string) => (name === 'pg1' ? 'pg2' : 'pg1');
  const acknowledgesMore = async (count = 20) => {
    const before = writer!.acknowledged.length;
    await waitFor('writes to go on', eventuallyMs, () => writer!.acknowledged.length > before + count).catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${cluster.story()}`, { cause: error });
      },
    );
  };
  /** What was acknowledged and is not there. */
  const lostOn = async (name: string) => {
    // What is acknowledged meanwhile is not in what is read.
    const due = [...writer!.acknowledged];
    const rows = await cluster.lead(name).member.query('SELECT n FROM tally');
    const kept = new Set(rows.map(([n]) => Number(n)));
    return due.filter((n) => !kept.has(n));
  };
  const leads = (name: string) =>
    waitFor(`${name} to lead`, eventuallyMs, () => cluster.lead(name).publish === 'primary').catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${cluster.story()}`, { cause: error });
      },
    );
  const epoch = async () => {
    const { record } = await cluster.snapshot();
    return record.kind === 'value' ? record.value.epoch : 0;
  };

  test('Postgres on the primary is killed again and again: writes go on, nothing is lost, and the old primary streams again (L4, R4)', async () => {
    await begin();
    const pauses: number[] = [];
    let primary = 'pg1';
    for (let turn = 0; turn < 6; turn += 1) {
      writer!.reset();
      const killed = cluster.lead(primary).kill('postmaster');
      await acknowledgesMore();
      await killed;
      primary = await cluster.settledSomewhere();
      await cluster.recorded('sync', primary, other(primary));
      await acknowledgesMore();
      pauses.push(Math.round(writer!.longestPauseMs));
      expect(await lostOn(primary)).toEqual([]);
    }
    console.log(`the primary killed: pauses of a bare writer in ms: ${pauses.join(', ')}`);
  });

  test('the box of the primary is lost: the standby waits until it is sure, and is promoted (L3, L4)', async () => {
    const [pg1] = await begin();
    await cluster.lead('pg1').stop();
    await pg1.killKeeper();
    pg1.postmaster.signalAll('SIGKILL');
    await pg1.postmaster.ended();
    await cluster.endSession();
    await leads('pg2');
    await acknowledgesMore();
    expect(cluster.lead('pg2').decisions.map(({ row }) => row)).toContain('stand-back');
    await pg1.startKeeper();
    cluster.lead('pg1').start();
    await pg1.boot();
    await cluster.settled('pg2');
    await cluster.recorded('sync', 'pg2', 'pg1');
    await writer!.end();
    expect(await lostOn('pg2')).toEqual([]);
  });

  test('an older backup of Consul, of the same epoch: what was lost since is not promoted, and loses nothing (R6)', async () => {
    const [pg1, pg2] = await begin();
    const restore = await cluster.consul.backup();
    pg2.postmaster.signalAll('SIGKILL');
    await pg2.postmaster.ended();
    cluster.lead('pg2').wake();
    await cluster.recorded('sync', 'pg1');
    await acknowledgesMore();
    pg1.postmaster.signalAll('SIGKILL');
    await pg1.postmaster.ended();
    await restore();
    await pg2.boot();
    // By the record that came back it could be promoted; it lacks what was acknowledged while it was away.
    await waitFor('it to be noticed', eventuallyMs, () => cluster.lead('pg2').last?.row === 'epoch-behind');
    await delay(5_000);
    expect(cluster.lead('pg2').publish).not.toBe('primary');
    await pg1.boot();
    await cluster.order({ kind: 'promote', to: 'pg1', oldPrimaryIsOff: false, recordLost: true });
    await leads('pg1');
    await acknowledgesMore();
    await cluster.settled('pg1');
    await writer!.end();
    expect(await lostOn('pg1')).toEqual([]);
  });

  test('it hangs: it is fenced and gives its place away (L4, F1)', async () => {
    const [pg1] = await begin();
    pg1.postmaster.signalAll('SIGSTOP');
    cluster.lead('pg1').isServing = false;
    cluster.lead('pg1').wake();
    await leads('pg2');
    await acknowledgesMore();
    expect(cluster.lead('pg1').decisions.map(({ row }) => row)).toContain('fence-unwell');
    await pg1.postmaster.ended();
    cluster.lead('pg1').isServing = undefined;
    await pg1.boot();
    await cluster.settled('pg2');
    await writer!.end();
    expect(await lostOn('pg2')).toEqual([]);
  });

  test('agents and keepers killed, sessions ended: no role moves (L5)', async () => {
    await begin();
    const before = await epoch();
    for (let turn = 0; turn < 5; turn += 1) {
      for (const name of ['pg1', 'pg2']) {
        await cluster.lead(name).kill('keeper');
        await cluster.endSession();
        await cluster.lead(name).kill('agent');
        await acknowledgesMore();
      }
    }
    await cluster.settled('pg1');
    expect(await epoch()).toBe(before);
    await writer!.end();
    expect(writer!.failures).toEqual([]);
    expect(await lostOn('pg1')).toEqual([]);
  });

  test('as many failovers as the policy allows: then an operator is asked, and what is started again goes on in place (L7)', async () => {
    const [pg1, pg2] = await begin({ maxFailovers: 1 });
    // Started again at once it may come back in place, where the machine is slow.
    pg1.postmaster.signalAll('SIGKILL');
    await pg1.postmaster.ended();
    cluster.lead('pg1').wake();
    await leads('pg2');
    await pg1.boot();
    await cluster.settled('pg2');
    await cluster.recorded('sync', 'pg2', 'pg1');
    pg2.postmaster.signalAll('SIGKILL');
    await pg2.postmaster.ended();
    cluster.lead('pg2').wake();
    await waitFor('the brake', eventuallyMs, () => cluster.lead('pg2').last?.row === 'braked');
    await cluster.endSession();
    await waitFor('the brake', eventuallyMs, () => cluster.lead('pg1').last?.row === 'braked-heir');
    expect(cluster.lead('pg1').last?.sentence).toContain('hotspare promote pg1');
    await pg2.boot();
    await cluster.settled('pg2');
    await writer!.end();
    expect(await lostOn('pg2')).toEqual([]);
  });
});
