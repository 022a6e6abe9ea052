import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { buildKeeper, majors, managedPrimary, managedStandby, replayed, type Member } from './member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

/** Readers hold replay up for much longer than a promotion may take. */
const patientReaders = 'max_standby_streaming_delay = 120s';

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  let pg1: Member;
  let pg2: Member;
  beforeAll(async () => {
    pg1 = await managedPrimary('pg1', binDir, built.file, 'autovacuum = off');
  });
  afterAll(() => pg1?.destroy());
  beforeEach(async () => {
    pg2 = await managedStandby('pg2', pg1, built.file, patientReaders);
  });
  afterEach(() => pg2?.destroy());

  const isWritable = async () => !(await pg2.value('SELECT pg_is_in_recovery()'));
  const hasSignal = () => existsSync(join(pg2.dataDir, 'standby.signal'));

  test('writable behind its gate, the signal file back, its history told (G2, D1, D4)', async () => {
    await pg1.query("INSERT INTO notes VALUES ('replicated')");
    await replayed(pg2, pg1);
    const { history } = await pg2.must({ verb: 'promote' });
    expect(await isWritable()).toBe(true);
    expect(hasSignal()).toBe(true);
    expect(history).toMatchObject({ timeline: 2, forks: [{ timeline: 2, parent: 1 }] });
    expect(history.forks[0]?.mark).toMatch(/^2 after 1 at \d{4}-/);
    const client = await pg2.client();
    let acknowledged = false;
    const write = client.query("INSERT INTO notes VALUES ('after')").then(() => (acknowledged = true));
    await waitFor('a write behind the gate', eventuallyMs, () =>
      pg2.value("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
    );
    expect(acknowledged).toBe(false);
    await pg2.must({ verb: 'gate', do: 'open' });
    await write;
    expect(await pg2.facts()).toMatchObject({ history, data: { timeline: 2 } });
  });

  test('with WAL files made ahead of time, which are all zeros (D4)', async () => {
    // One of them is very likely the first that the folder lists. Postgres does not touch files of a timeline to come.
    for (let n = 1; n <= 99; n++)
      writeFileSync(
        join(pg2.dataDir, 'pg_wal', `000000FF000000FF000000${String(n).padStart(2, '0')}`),
        Buffer.alloc(8_192),
      );
    const { history } = await pg2.must({ verb: 'promote' });
    expect(history.forks[0]?.mark).toMatch(/^2 after 1 at \d{4}-/);
  });

  test('with a reader whose snapshot is in the way (G2)', async () => {
    const reader = await pg2.client();
    await reader.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT count(*) FROM notes');
    await pg1.query("INSERT INTO notes VALUES ('x'); DELETE FROM notes; ");
    await pg1.query('VACUUM (FREEZE) notes');
    await heldUp();
    const { terminated, tookMs } = await pg2.must({ verb: 'promote' });
    console.log(`promoted past a reader with a snapshot in ${Math.round(tookMs)} ms, ${terminated} ended`);
    expect(terminated).toBeGreaterThan(0);
    expect(await isWritable()).toBe(true);
  });

  test('with a reader that holds only a lock, no snapshot (G2)', async () => {
    const reader = await pg2.client();
    await reader.query('BEGIN');
    await reader.query('LOCK TABLE notes IN ACCESS SHARE MODE');
    expect(
      await pg2.value(
        "SELECT count(*)::int FROM pg_stat_activity WHERE state = 'idle in transaction' AND backend_xmin IS NULL",
      ),
    ).toBe(1);
    await pg1.query('ALTER TABLE notes ADD COLUMN more int; ALTER TABLE notes DROP COLUMN more');
    await heldUp();
    const { terminated, tookMs } = await pg2.must({ verb: 'promote' });
    console.log(`promoted past a reader with a lock in ${Math.round(tookMs)} ms, ${terminated} ended`);
    expect(terminated).toBe(1);
    expect(await isWritable()).toBe(true);
  });

  /** WAL was received that replay cannot get past. */
  async function heldUp(): Promise<void> {
    const lsn = String(await pg1.value('SELECT pg_current_wal_flush_lsn()'));
    await waitFor('the WAL to arrive', eventuallyMs, () =>
      pg2.value(`SELECT pg_last_wal_receive_lsn() >= '${lsn}'`),
    );
    expect(await pg2.value(`SELECT pg_last_wal_replay_lsn() < '${lsn}'`)).toBe(true);
  }

  test('where no SQL is answered: after a crash with 200 open subtransactions (G2)', async () => {
    const open = await pg1.client();
    await open.query('BEGIN');
    await open.query(
      "DO $$ BEGIN FOR i IN 1..200 LOOP BEGIN INSERT INTO notes VALUES ('sub'); EXCEPTION WHEN division_by_zero THEN NULL; END; END LOOP; END $$",
    );
    await pg1.query('CHECKPOINT');
    await replayed(pg2, pg1);
    await pg2.must({ verb: 'checkpoint' });
    // Started anew from there it knows of no snapshot.
    await pg2.must({ verb: 'fence' });
    expect(pg2.prepareStart().status).toBe(0);
    const before = pg2.log().length;
    await pg2.bootBare(false);
    await waitFor('Postgres to refuse sessions for good', eventuallyMs, () =>
      /consistent recovery state reached|streaming WAL/.test(pg2.log().slice(before)),
    );
    const { sql } = await pg2.facts();
    expect(sql).toMatchObject({ state: 'unknown' });
    const { tookMs } = await pg2.must({ verb: 'promote' });
    console.log(`promoted without SQL in ${Math.round(tookMs)} ms`);
    expect(await isWritable()).toBe(true);
    await open.query('ROLLBACK');
  });

  test('one found in production behind its gate is taken to the end (G2, D1)', async () => {
    await pg2.run('pg_ctl', ['promote', '-D', pg2.dataDir]);
    await waitFor('a promotion by hand', eventuallyMs, isWritable);
    expect(hasSignal()).toBe(false);
    const client = await pg2.client();
    let acknowledged = false;
    client.query("INSERT INTO notes VALUES ('promoted by hand')").then(
      () => (acknowledged = true),
      () => {},
    );
    const { history } = await pg2.must({ verb: 'promote' });
    expect(acknowledged).toBe(false);
    expect(hasSignal()).toBe(true);
    expect(history).toMatchObject({ timeline: 2 });
  });

  test('not while unmanaged; taken over and let go without a restart (R6)', async () => {
    expect(await pg2.refusal({ verb: 'init', managed: false, gate: 'as-is' })).toBe('in-recovery');
    expect(await pg2.facts()).toMatchObject({ managed: true, standbySignal: true });
    await pg2.must({ verb: 'init', managed: false, gate: 'close' });
    expect(await pg2.refusal({ verb: 'promote' })).toBe('not-managed');
    expect(await isWritable()).toBe(false);
    // Taken over again while it runs: in recovery only a checkpoint shows that the gate was taken (G2).
    const { gate } = await pg2.must({ verb: 'init', managed: true, gate: 'close' });
    expect(gate).toMatchObject({ kind: 'closed', sinceStart: true });
    await pg2.must({ verb: 'promote' });
    // As a keeper leaves it that was killed at the end of the promotion: the gate opens once it is back (D1).
    rmSync(join(pg2.dataDir, 'standby.signal'));
    await pg2.must({ verb: 'gate', do: 'open' });
    expect(hasSignal()).toBe(true);
  });
});
