import { readdirSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { buildKeeper, majors } from '../keeper/member.js';
import { Cluster } from './cluster.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)(
  'PostgreSQL $major: an operator promotes, or somebody does it by hand',
  ({ binDir }) => {
    vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
    let cluster: Cluster;
    afterEach(() => cluster?.destroy());

    const begin = async () => {
      cluster = await Cluster.make(binDir, built.file);
      await cluster.begin();
      return [cluster.lead('pg1').member, cluster.lead('pg2').member] as const;
    };
    const count = async (name: string) =>
      Number(await cluster.lead(name).member.value('SELECT count(*) FROM tally'));

    test('the primary is lost: another is promoted; back with rows of its own, it is rewound and those are kept (O1, D4)', async () => {
      const [pg1, pg2] = await begin();
      await pg1.query('INSERT INTO tally SELECT generate_series(1, 10)');
      await waitFor('pg2 to replay', eventuallyMs, async () => (await count('pg2')) === 10);
      // What pg2 never gets.
      pg2.postmaster.signalAll('SIGKILL');
      await pg2.postmaster.ended();
      await pg1.query('INSERT INTO tally SELECT generate_series(1001, 2000)');
      pg1.postmaster.signalAll('SIGKILL');
      await pg1.postmaster.ended();
      await pg2.boot();

      const startedMs = performance.now();
      await cluster.order({ kind: 'promote', to: 'pg2', oldPrimaryIsOff: false, recordLost: false });
      await waitFor('pg2 to lead', eventuallyMs, () => cluster.lead('pg2').publish === 'primary');
      await pg2.query('INSERT INTO tally VALUES (5000)');
      console.log(`writable ${Math.round(performance.now() - startedMs)} ms after the order`);

      const backMs = performance.now();
      await pg1.boot();
      await cluster.settled('pg2');
      console.log(`the old primary streams ${Math.round(performance.now() - backMs)} ms after its start`);
      await waitFor(
        'pg1 to have what pg2 has',
        eventuallyMs,
        async () => (await count('pg1')) === (await count('pg2')),
      );
      expect(readdirSync(pg1.path('state/kept')).length).toBeGreaterThan(0);
    });

    test('the primary hangs: on the order it is fenced, and another is promoted (O1, F1)', async () => {
      const [pg1, pg2] = await begin();
      await pg1.query('INSERT INTO tally SELECT generate_series(1, 10)');
      await waitFor('pg2 to replay', eventuallyMs, async () => (await count('pg2')) === 10);
      pg1.postmaster.signalAll('SIGSTOP');
      await cluster.order({ kind: 'promote', to: 'pg2', oldPrimaryIsOff: false, recordLost: false });
      await waitFor('pg2 to lead', 2 * eventuallyMs, () => cluster.lead('pg2').publish === 'primary');
      await pg1.postmaster.ended();
      await pg2.query('INSERT INTO tally VALUES (5000)');
      await pg1.boot();
      await cluster.settled('pg2');
    });

    test('the holder that crashed goes on by itself, in a new epoch (O1, D3)', async () => {
      const [pg1] = await begin();
      await pg1.query('INSERT INTO tally SELECT generate_series(1, 1000)');
      pg1.postmaster.signalAll('SIGKILL');
      await pg1.postmaster.ended();
      await pg1.boot();
      await waitFor('a new epoch', eventuallyMs, async () => {
        const { epoch } = await cluster.snapshot();
        return epoch.kind === 'value' && epoch.value === 2;
      });
      await cluster.settled('pg1');
      expect(await count('pg1')).toBe(1_000);
    });

    test('a standby promoted by hand acknowledges nothing, is not published, and is rebuilt when told (G1, D4)', async () => {
      const [pg1, pg2] = await begin();
      await pg2.query('SELECT pg_promote(wait => false)');
      await waitFor('pg2 to be in quarantine', eventuallyMs, () => cluster.lead('pg2').last?.row === 'stray');
      expect(cluster.lead('pg2').publish).toBe('none');
      const client = await pg2.client();
      let isAcknowledged = false;
      void client
        .query('INSERT INTO tally VALUES (-1)')
        .then(() => (isAcknowledged = true))
        .catch(() => {});
      await pg1.query('INSERT INTO tally VALUES (1)');
      await waitFor(
        'the write to wait',
        eventuallyMs,
        async () =>
          (await pg2.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) === '1',
      );
      expect(isAcknowledged).toBe(false);
      expect(cluster.lead('pg1').publish).toBe('primary');

      await cluster.order({ kind: 'rejoin', member: 'pg2', method: 'basebackup' });
      await cluster.settled('pg1');
      expect(isAcknowledged).toBe(false);
      await waitFor('pg2 to have what pg1 has', eventuallyMs, async () => (await count('pg2')) === 1);
    });
  },
);
