import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

describe.each(majors)('PostgreSQL $major: durability=sync', ({ binDir }) => {
  vi.setConfig({ testTimeout: 240_000, hookTimeout: 120_000 });
  let cluster: Cluster;
  let writer: Writer | undefined;
  afterEach(async () => {
    await writer?.end();
    await cluster?.destroy();
    writer = undefined;
  });

  const begin = async () => {
    cluster = await Cluster.make(binDir, built.file);
    await cluster.begin();
    return [cluster.lead('pg1').member, cluster.lead('pg2').member] as const;
  };
  const synced = async () => {
    const members = await begin();
    await cluster.setPolicy({ durability: 'sync' });
    await cluster.recorded('sync', 'pg1', 'pg2');
    return members;
  };
  /** What was acknowledged and is not there. */
  const lostOn = async (name: string) => {
    // What is acknowledged meanwhile is not in what is read.
    const due = [...writer!.acknowledged];
    const rows = await cluster.lead(name).member.query('SELECT n FROM tally');
    const kept = new Set(rows.map(([n]) => Number(n)));
    return due.filter((n) => !kept.has(n));
  };
  const names = async (name: string) =>
    cluster.lead(name).member.value("SELECT current_setting('synchronous_standby_names')");
  const acknowledgesMore = async (count = 20) => {
    const before = writer!.acknowledged.length;
    await waitFor('writes to go on', eventuallyMs, () => writer!.acknowledged.length > before + count);
  };

  test('set and taken back under a writer: no write fails, and commits wait for the standby in between (R2, R3, R8)', async () => {
    const [pg1] = await begin();
    writer = new Writer([pg1], 30_000);
    await acknowledgesMore();
    for (let turn = 0; turn < 2; turn += 1) {
      writer.reset();
      await cluster.setPolicy({ durability: 'sync' });
      await cluster.recorded('sync', 'pg1', 'pg2');
      expect(await names('pg1')).toMatch(/^ANY 1 \("pg2\.[0-9a-f]+"\)$/);
      await acknowledgesMore();
      await cluster.setPolicy({ durability: 'async' });
      await cluster.recorded('async', 'pg1');
      await waitFor('commits to wait for nobody', eventuallyMs, async () => (await names('pg1')) === '');
      await acknowledgesMore();
      console.log(`the longest pause of a writer meanwhile: ${Math.round(writer.longestPauseMs)} ms`);
    }
    await writer.end();
    expect(writer.failures).toEqual([]);
    expect(await lostOn('pg1')).toEqual([]);
  });

  test('the primary is lost under load and never fenced: the promoted standby has every acknowledged insert (R4, L2)', async () => {
    const [pg1, pg2] = await synced();
    writer = new Writer([pg1, pg2]);
    await acknowledgesMore(200);
    // Its agent and its keeper are gone, and Postgres goes on as long as it can.
    await cluster.lead('pg1').stop();
    await pg1.killKeeper();
    await cluster.endSession();
    await cluster.order({ kind: 'promote', to: 'pg2', oldPrimaryIsOff: false, recordLost: false });
    await waitFor('pg2 to lead', eventuallyMs, () => cluster.lead('pg2').publish === 'primary').catch(
      (error: unknown) => {
        throw new Error(`${String(error)}\n${cluster.story()}`, { cause: error });
      },
    );
    let isAcknowledged = false;
    const client = await pg1.client();
    void client
      .query('INSERT INTO tally VALUES (-1)')
      .then(() => (isAcknowledged = true))
      .catch(() => {});
    await acknowledgesMore();
    await writer.end();
    expect(await lostOn('pg2')).toEqual([]);
    expect(isAcknowledged).toBe(false);
    await pg1.startKeeper();
    cluster.lead('pg1').start();
    await waitFor(
      'the old primary to be fenced',
      eventuallyMs,
      () => cluster.lead('pg1').last?.row === 'stopped',
    );
    await pg1.boot();
    await cluster.settled('pg2');
    await cluster.recorded('sync', 'pg2', 'pg1');
    expect(isAcknowledged).toBe(false);
    expect(await lostOn('pg2')).toEqual([]);
  });

  test('the standby is lost: it goes out of the record first, writes go on, and it comes back by itself (R3)', async () => {
    const [pg1, pg2] = await synced();
    writer = new Writer([pg1], 30_000);
    await acknowledgesMore();
    writer.reset();
    pg2.postmaster.signalAll('SIGKILL');
    await pg2.postmaster.ended();
    await cluster.recorded('sync', 'pg1');
    await acknowledgesMore();
    console.log(`the standby lost: the longest pause ${Math.round(writer.longestPauseMs)} ms`);
    await waitFor('status to say so', eventuallyMs, () => cluster.lead('pg1').last?.row === 'degraded');
    const backMs = performance.now();
    await pg2.boot();
    await cluster.recorded('sync', 'pg1', 'pg2');
    console.log(`in the record again ${Math.round(performance.now() - backMs)} ms after its start`);
    await acknowledgesMore();
    await writer.end();
    expect(writer.failures).toEqual([]);
  });

  test('strict: writes wait for the standby, and go on when it is back; rebuilt, it comes into the record as another copy (R3, R5)', async () => {
    const [pg1, pg2] = await synced();
    await cluster.setPolicy({ strict: true });
    writer = new Writer([pg1], 60_000);
    await acknowledgesMore();
    pg2.postmaster.signalAll('SIGKILL');
    await pg2.postmaster.ended();
    await waitFor('the holder to say that commits wait', eventuallyMs, () =>
      Boolean(cluster.lead('pg1').last?.sentence.includes('strict=true')),
    );
    const waiting = writer.acknowledged.length;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(writer.acknowledged.length).toBe(waiting);
    await cluster.recorded('sync', 'pg1', 'pg2');
    await pg2.boot();
    await acknowledgesMore();
    const before = await names('pg1');
    await cluster.order({ kind: 'rejoin', member: 'pg2', method: 'basebackup' });
    await waitFor('commits to wait for the new copy', eventuallyMs, async () => {
      const now = await names('pg1');
      return now !== before && String(now).startsWith('ANY 1 ("pg2.');
    });
    await cluster.recorded('sync', 'pg1', 'pg2');
    await acknowledgesMore();
    await writer.end();
    expect(writer.failures).toEqual([]);
    expect(await lostOn('pg1')).toEqual([]);
  });

  test("an impostor under the standby's plain name satisfies nothing (R5)", async () => {
    const [pg1, pg2] = await begin();
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-impostor-'));
    let impostor: ChildProcess | undefined;
    try {
      impostor = spawn(
        join(binDir, 'pg_receivewal'),
        [
          '-D',
          folder,
          '--synchronous',
          '-d',
          `host=127.0.0.1 port=${pg1.port} user=postgres application_name=pg2`,
        ],
        { stdio: 'ignore' },
      );
      await waitFor(
        'the impostor to stream',
        eventuallyMs,
        async () =>
          (await pg1.value("SELECT count(*) FROM pg_stat_replication WHERE application_name = 'pg2'")) ===
          '1',
      );
      pg2.postmaster.signalAll('SIGKILL');
      await pg2.postmaster.ended();
      await cluster.setPolicy({ durability: 'sync', strict: true });
      await waitFor(
        'the holder to be alone',
        eventuallyMs,
        () => cluster.lead('pg1').last?.row === 'degraded',
      );
      await new Promise((resolve) => setTimeout(resolve, 2_500));
      await cluster.recorded('sync', 'pg1');
      await pg2.boot();
      await cluster.recorded('sync', 'pg1', 'pg2');
      pg2.postmaster.signalAll('SIGSTOP');
      let isAcknowledged = false;
      const client = await pg1.client();
      void client.query('INSERT INTO tally VALUES (-1)').then(
        () => (isAcknowledged = true),
        () => {},
      );
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      expect(isAcknowledged).toBe(false);
      pg2.postmaster.signalAll('SIGCONT');
      await waitFor('the write', eventuallyMs, () => isAcknowledged);
    } finally {
      impostor?.kill('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a checkpointer that is stopped: the standby is not added, no write fails, and it is added when it goes on (R2)', async () => {
    const [pg1] = await begin();
    writer = new Writer([pg1], 60_000);
    await acknowledgesMore();
    const pid = Number(
      await pg1.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"),
    );
    process.kill(pid, 'SIGSTOP');
    try {
      await cluster.setPolicy({ durability: 'sync' });
      await waitFor('an attempt to fail', eventuallyMs, () =>
        cluster
          .lead('pg1')
          .outcomes.some(({ action, kind }) => action.kind === 'add-standby' && kind !== 'done'),
      );
      await cluster.recorded('sync', 'pg1');
      await acknowledgesMore();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await cluster.recorded('sync', 'pg1', 'pg2');
    await acknowledgesMore();
    await writer.end();
    expect(writer.failures).toEqual([]);
  });
});
