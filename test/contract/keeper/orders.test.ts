import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { familyOf } from '../../../keeper/postgres/processes.js';
import {
  buildKeeper,
  historyOf,
  majors,
  managedPrimary,
  managedStandby,
  Member,
  streaming,
} from './member.js';

/** fence, drain, slots, follow, checkpoint: one primary and one standby for all of them. */
let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  let pg1: Member;
  let pg2: Member;
  beforeAll(async () => {
    pg1 = await managedPrimary('pg1', binDir, built.file);
    pg2 = await managedStandby('pg2', pg1, built.file);
  });
  afterAll(async () => {
    await Promise.all([pg1?.destroy(), pg2?.destroy()]);
  });
  const standbyName = async () => (await pg2.facts()).applicationName;

  test('open to a standby: commits wait for it, and the name carries its incarnation (R2, R5)', async () => {
    const name = await standbyName();
    await pg1.must({ verb: 'gate', do: 'open', standbys: [name] });
    expect((await pg1.facts()).sql).toMatchObject({ senders: [{ name, syncState: 'quorum' }] });
    pg2.postmaster.signalAll('SIGSTOP');
    const client = await pg1.client();
    let acknowledged = false;
    const write = client
      .query("INSERT INTO notes VALUES ('waits for pg2')")
      .then(() => (acknowledged = true));
    await waitFor('the write to wait', eventuallyMs, () =>
      pg1.value("SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
    );
    expect(acknowledged).toBe(false);
    pg2.postmaster.signalAll('SIGCONT');
    await write;
    await pg1.must({ verb: 'gate', do: 'open' });
  });

  test('slots: exactly these, others of the keeper’s are dropped, foreign ones and used ones are left', async () => {
    await pg1.query("SELECT pg_create_physical_replication_slot('theirs')");
    expect(await pg1.must({ verb: 'slots', names: ['pg2', 'pg3'] })).toEqual({
      created: ['hotspare_pg2', 'hotspare_pg3'],
      dropped: [],
      active: [],
    });
    await pg2.must({ verb: 'follow', ...pg1.source, slot: 'pg2', history: await historyOf(pg1) });
    await waitFor('the slot to be used', eventuallyMs, () =>
      pg1.value("SELECT active FROM pg_replication_slots WHERE slot_name = 'hotspare_pg2'"),
    );
    expect(await pg1.must({ verb: 'slots', names: ['pg4'] })).toEqual({
      created: ['hotspare_pg4'],
      dropped: ['hotspare_pg3'],
      active: ['hotspare_pg2'],
    });
    expect(await pg1.query('SELECT slot_name FROM pg_replication_slots ORDER BY 1')).toEqual([
      ['hotspare_pg2'],
      ['hotspare_pg4'],
      ['theirs'],
    ]);
    expect(await pg2.must({ verb: 'slots', names: ['pg1'] })).toMatchObject({ created: ['hotspare_pg1'] });
  });

  test('follow: nobody, and again; the settings stand in the keeper’s file alone (D6)', async () => {
    expect(await pg2.must({ verb: 'follow' })).toMatchObject({ streaming: false });
    expect(await pg2.value('SELECT count(*)::int FROM pg_stat_wal_receiver')).toBe(0);
    const done = await pg2.must({ verb: 'follow', ...pg1.source, history: await historyOf(pg1) });
    expect(done).toEqual({ streaming: true, timeline: 1, applicationName: await standbyName() });
    expect(pg2.read('etc/hotspare.conf')).toContain(`port=${pg1.port}`);
    expect(pg2.read('var/data/postgresql.auto.conf')).not.toMatch(/^primary_conninfo/m);
    expect(await pg1.refusal({ verb: 'follow', ...pg2.source })).toBe('not-in-recovery');
  });

  test('what somebody sets by ALTER SYSTEM in place of the keeper is taken back while Postgres runs (D2)', async () => {
    const name = await standbyName();
    await pg1.must({ verb: 'gate', do: 'open', standbys: [name] });
    const names = () => pg1.value('SHOW synchronous_standby_names');
    expect(await names()).toContain(name);
    await pg1.query("ALTER SYSTEM SET synchronous_standby_names = ''");
    await pg1.query('SELECT pg_reload_conf()');
    await waitFor('it to count', eventuallyMs, async () => (await names()) === '');
    // The agent asks for them every second.
    await pg1.facts();
    await waitFor('the gate', eventuallyMs, async () => String(await names()).includes(name));
    await pg1.must({ verb: 'gate', do: 'open' });

    await pg2.query("ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
    await pg2.query('SELECT pg_reload_conf()');
    await waitFor('no WAL', eventuallyMs, async () => !('receiver' in (await pg2.facts()).sql));
    expect(await pg2.must({ verb: 'follow', ...pg1.source, history: await historyOf(pg1) })).toMatchObject({
      streaming: true,
    });
    expect(pg2.read('var/data/postgresql.auto.conf')).not.toMatch(/^primary_conninfo/m);
  });

  test('follow: another system is refused, a source that is away is timed out (D4)', async () => {
    const history = await historyOf(pg1);
    expect(await pg2.refusal({ verb: 'follow', ...pg1.source, history: { ...history, systemId: '7' } })).toBe(
      'other-system',
    );
    const away = await pg2.call({ verb: 'follow', host: '127.0.0.1', port: 1, deadlineMs: 500 });
    expect(away).toMatchObject({ outcome: 'timed-out' });
    await pg2.must({ verb: 'follow', ...pg1.source, history });
  });

  test('checkpoint: on a primary and on a standby', async () => {
    const { redoLsn } = await pg1.must({ verb: 'checkpoint' });
    expect(redoLsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    await pg2.must({ verb: 'checkpoint' });
  });

  describe('drain', () => {
    beforeEach(() => pg1.must({ verb: 'drain', do: 'off' }));

    test('transactions begun before get their time, the rest is ended; then it is read-only (O4)', async () => {
      const [quick, slow, idle] = [await pg1.client(), await pg1.client(), await pg1.client()];
      await quick.query('BEGIN');
      await quick.query("INSERT INTO notes VALUES ('quick')");
      await slow.query('BEGIN');
      await slow.query("INSERT INTO notes VALUES ('slow')");
      const drained = pg1.must({ verb: 'drain', do: 'on', waitMs: 1_500 });
      await waitFor('the drain to begin', eventuallyMs, async () => (await pg1.facts()).drain);
      await quick.query('COMMIT');
      expect(await drained).toMatchObject({ readOnly: true, terminated: 1, writers: 0 });
      expect(await pg1.query("SELECT text FROM notes WHERE text IN ('quick', 'slow')")).toEqual([['quick']]);
      await expect(idle.query("INSERT INTO notes VALUES ('too late')")).rejects.toMatchObject({
        code: '25006',
      });
      await expect(slow.query('SELECT 1')).rejects.toThrow();
      expect(await pg1.must({ verb: 'drain', do: 'off' })).toMatchObject({ readOnly: false });
      await waitFor('a write', eventuallyMs, () =>
        idle.query("INSERT INTO notes VALUES ('after')").then(() => true),
      );
    });

    test('whoever insists on writing is counted (O4)', async () => {
      await pg1.must({ verb: 'drain', do: 'on', waitMs: 0 });
      const client = await pg1.client();
      await client.query('BEGIN READ WRITE');
      await client.query("INSERT INTO notes VALUES ('insists')");
      expect(await pg1.must({ verb: 'drain', do: 'on', waitMs: 0 })).toMatchObject({ terminated: 1 });
    });

    test('its reset survives the death of the keeper (O4)', async () => {
      await pg1.must({ verb: 'drain', do: 'on', waitMs: 0, resetAfterMs: 1_500 });
      await pg1.killKeeper();
      expect(await pg1.value('SHOW default_transaction_read_only')).toBe('on');
      await pg1.startKeeper();
      await waitFor(
        'the reset',
        eventuallyMs,
        async () => (await pg1.value('SHOW default_transaction_read_only')) === 'off',
      );
      await waitFor('the drain to be over', eventuallyMs, async () => !(await pg1.facts()).drain);
    });
  });

  test('init: a standby of provisioning streams under the name of its incarnation, so that it can be recorded (R5)', async () => {
    const streamsAs = (name: string) =>
      waitFor(`pg3 to stream as ${name}`, eventuallyMs, () =>
        pg1.value(
          `SELECT count(*) = 1 FROM pg_stat_replication WHERE application_name = '${name}' AND state = 'streaming'`,
        ),
      );
    const pg3 = await Member.make('pg3', binDir, built.file);
    try {
      const source = `host=127.0.0.1 port=${pg1.port} user=postgres`;
      await pg3.run('pg_basebackup', ['-d', source, '-D', pg3.dataDir, '-c', 'fast']);
      pg3.write('var/data/standby.signal', '');
      pg3.write(
        'etc/hotspare.conf',
        `primary_conninfo = '${source} application_name=pg3 connect_timeout=3'\n`,
      );
      await pg3.bootBare();
      await streamsAs('pg3');
      await pg3.startKeeper();
      await pg3.must({ verb: 'init', managed: true, gate: 'close' });
      const { applicationName } = await pg3.facts();
      expect(applicationName).toMatch(/^pg3\.[0-9a-f]{8}$/);
      expect(pg3.read('etc/hotspare.conf')).toContain(
        `primary_conninfo = '${source} application_name=${applicationName} connect_timeout=3'`,
      );
      await streamsAs(applicationName);
      const { gate } = await pg1.must({ verb: 'gate', do: 'add', standbys: [applicationName] });
      expect(gate).toMatchObject({ kind: 'open', proven: true });
      await pg1.must({ verb: 'gate', do: 'open' });
    } finally {
      await pg3.destroy();
    }
  });

  test('one order at a time; facts and a fence wait for nobody (F2)', async () => {
    const slow = pg2.call({ verb: 'follow', host: '127.0.0.1', port: 1, deadlineMs: 20_000 });
    await waitFor(
      'the order to be under way',
      eventuallyMs,
      async () => (await pg2.facts()).order?.verb === 'follow',
    );
    expect(await pg2.refusal({ verb: 'checkpoint' })).toBe('busy');
    await pg2.must({ verb: 'fence' });
    expect(await slow).toMatchObject({ outcome: 'failed' });
    await pg2.boot();
    await pg2.must({ verb: 'follow', ...pg1.source, history: await historyOf(pg1) });
    await streaming(pg2, pg1);
  });

  test('fence: with a backend in a loop of commits, done means that none is left (F1)', async () => {
    await pg1.query('CREATE TABLE loop (n int)');
    await pg1.query(
      'CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$ BEGIN FOR i IN 1..1e9 LOOP INSERT INTO loop VALUES (i); COMMIT; END LOOP; END $$',
    );
    const client = await pg1.client();
    const ended = client.query('CALL commits()').then(
      () => 'returned',
      () => 'cut off',
    );
    await waitFor('commits', eventuallyMs, () => pg1.value('SELECT count(*) > 100 FROM loop'));
    const { killed, tookMs } = await pg1.must({ verb: 'fence' });
    const left = familyOf(pg1.dataDir).members.length;
    console.log(`fenced ${killed} processes in ${Math.round(tookMs)} ms`);
    expect([left, await ended]).toEqual([0, 'cut off']);
    expect(killed).toBeGreaterThan(5);
    expect((await pg1.facts()).server).toEqual({ state: 'stopped', others: 0 });
    expect(await pg1.must({ verb: 'fence' })).toMatchObject({ killed: 0 });
    await pg1.boot();
    expect(await pg1.value('SELECT pg_is_in_recovery()')).toBe(true);
  });

  test('fence: backends that outlived their postmaster are found and ended (F1)', async () => {
    await pg1.must({ verb: 'promote' });
    await pg1.must({ verb: 'gate', do: 'open' });
    const client = await pg1.client();
    client.query('CALL commits()').catch(() => {});
    await waitFor('a loop', eventuallyMs, () =>
      pg1.value("SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'CALL%' AND state = 'active'"),
    );
    process.kill(pg1.postmaster.pid, 'SIGKILL');
    await waitFor('the postmaster to be dead and a backend to go on', eventuallyMs, async () => {
      const { server } = await pg1.facts();
      return server.state === 'stopped' && server.others > 0;
    });
    await pg1.must({ verb: 'fence' });
    expect(familyOf(pg1.dataDir).members).toEqual([]);
  });
});
