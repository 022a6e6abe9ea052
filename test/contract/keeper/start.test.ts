import { appendFileSync, cpSync, existsSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { account, buildKeeper, majors, managedPrimary, Member } from './member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  let pg1: Member;
  beforeAll(async () => {
    pg1 = await managedPrimary('pg1', binDir, built.file);
  });
  afterAll(() => pg1?.destroy());
  beforeEach(() => pg1.stop());

  const autoConf = () => readFileSync(join(pg1.dataDir, 'postgresql.auto.conf'), 'utf8');
  const inRecovery = () => pg1.value('SELECT pg_is_in_recovery()');
  const closedAgain = () =>
    waitFor('the gate to be closed', eventuallyMs, async () => (await pg1.facts()).gate.kind === 'closed');

  test('a primary that is started again comes up in recovery, its gate closed (D1)', async () => {
    await pg1.boot();
    expect(await inRecovery()).toBe(true);
    expect((await pg1.facts()).gate).toMatchObject({ kind: 'closed', sinceStart: true });
    expect(await pg1.value('SHOW synchronous_standby_names')).toMatch(/^"hotspare gate [0-9a-f]{16}"$/);
    expect(await pg1.refusal({ verb: 'gate', do: 'open' })).toBe('in-recovery');
  });

  test('after a crash as well, by the unit or by hand (D1, D3)', async () => {
    await pg1.boot();
    await pg1.must({ verb: 'promote' });
    await pg1.must({ verb: 'gate', do: 'open' });
    await pg1.query("INSERT INTO notes VALUES ('before the crash')");
    await pg1.must({ verb: 'fence' });
    // By hand, without prepare-start: the signal file keeps it in recovery, and the keeper closes the gate that was open.
    await pg1.bootBare();
    expect(await inRecovery()).toBe(true);
    await closedAgain();
    await pg1.stop();
    await pg1.boot();
    expect(await inRecovery()).toBe(true);
    expect(await pg1.value("SELECT count(*)::int FROM notes WHERE text = 'before the crash'")).toBe(1);
  });

  test('a postmaster that ends takes its open gate with it at once, also in a data directory that was put there since (G1)', async () => {
    const closesAtOnce = async () => {
      await pg1.boot();
      await pg1.must({ verb: 'promote' });
      await pg1.must({ verb: 'gate', do: 'open' });
      process.kill(pg1.postmaster.pid, 'SIGQUIT');
      await pg1.postmaster.ended();
      const startedMs = performance.now();
      // As Postgres would read it, were it started now by hand.
      await waitFor('a closed gate in the settings', eventuallyMs, () =>
        pg1.read('etc/hotspare.conf').includes('hotspare gate'),
      );
      return Math.round(performance.now() - startedMs);
    };
    const first = await closesAtOnce();
    renameSync(pg1.dataDir, `${pg1.dataDir}.aside`);
    cpSync(`${pg1.dataDir}.aside`, pg1.dataDir, { recursive: true, preserveTimestamps: true });
    spawnSync('chown', ['-R', '--reference', `${pg1.dataDir}.aside`, pg1.dataDir]);
    rmSync(`${pg1.dataDir}.aside`, { recursive: true });
    console.log(`closed ${first} and ${await closesAtOnce()} ms after the end of the postmaster`);
  });

  test('a start by hand and a promotion by hand: nothing is acknowledged (G1)', async () => {
    await pg1.boot();
    await pg1.must({ verb: 'promote' });
    await pg1.must({ verb: 'gate', do: 'open' });
    process.kill(pg1.postmaster.pid, 'SIGQUIT');
    await pg1.postmaster.ended();
    await pg1.bootBare();
    await closedAgain();
    await pg1.run('pg_ctl', ['promote', '-D', pg1.dataDir]);
    await waitFor('a promotion by hand', eventuallyMs, async () => !(await inRecovery()));
    const client = await pg1.client();
    let acknowledged = false;
    client.query("INSERT INTO notes VALUES ('by hand')").then(
      () => (acknowledged = true),
      () => {},
    );
    await waitFor('the write to wait', eventuallyMs, () =>
      pg1.value("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event = 'SyncRep'"),
    );
    expect(acknowledged).toBe(false);
  });

  test('a crashed backend: the same postmaster comes back in recovery, behind a gate, and is promoted (D1)', async () => {
    await pg1.boot();
    await pg1.must({ verb: 'promote' });
    await pg1.must({ verb: 'gate', do: 'open' });
    const { pid } = pg1.postmaster;
    const backend = Number((await (await pg1.client()).query('SELECT pg_backend_pid() AS pid')).rows[0].pid);
    process.kill(backend, 'SIGKILL');
    await waitFor('recovery', eventuallyMs, inRecovery);
    const startedMs = performance.now();
    await closedAgain();
    console.log(
      `the gate was seen closed ${Math.round(performance.now() - startedMs)} ms after recovery was`,
    );
    expect(pg1.postmaster.pid).toBe(pid);
    const { tookMs } = await pg1.must({ verb: 'promote' });
    console.log(`promoted after a crashed backend in ${Math.round(tookMs)} ms`);
    expect((await pg1.must({ verb: 'gate', do: 'open' })).gate).toMatchObject({ kind: 'open', proven: true });
  });

  test('a hold that runs out while Postgres is away opens no gate (G1, G3)', async () => {
    await pg1.boot();
    await pg1.must({ verb: 'promote' });
    await pg1.must({ verb: 'gate', do: 'open' });
    await pg1.must({ verb: 'gate', do: 'hold' });
    await pg1.must({ verb: 'fence' });
    await new Promise((resolve) => setTimeout(resolve, 2_300));
    expect((await pg1.facts()).gate).toMatchObject({ kind: 'closed' });
    expect(pg1.read('etc/hotspare.conf')).toContain('"hotspare gate ');
  });

  test.skipIf(account.uid === undefined)(
    'root becomes the account that it is told, and nobody else can',
    async () => {
      expect(pg1.prepareStart([], {})).toMatchObject({ status: 1 });
      const { status, said } = pg1.prepareStart(['--user', 'postgres'], {});
      expect([status, said]).toEqual([0, expect.stringContaining('the gate is closed')]);
      expect(statSync(pg1.path('etc/hotspare.conf')).uid).toBe(account.uid);
      expect(pg1.prepareStart(['--user', 'nobody-such'], {})).toMatchObject({
        status: 1,
        said: expect.stringContaining('there is no user "nobody-such"') as string,
      });
      expect(pg1.prepareStart(['--user', 'root'])).toMatchObject({
        status: 2,
        said: expect.stringContaining('only root may say --user') as string,
      });
    },
  );

  test('what would beat the keeper’s file is taken out of postgresql.auto.conf, other settings stay (D2)', async () => {
    appendFileSync(
      join(pg1.dataDir, 'postgresql.auto.conf'),
      [
        "synchronous_standby_names = ''",
        "primary_conninfo = 'host=elsewhere'",
        "recovery_target_timeline = '1'",
        "default_transaction_read_only = 'on'",
        "work_mem = '5MB'\n",
      ].join('\n'),
    );
    expect(pg1.prepareStart()).toMatchObject({ status: 0 });
    expect(autoConf().match(/^\w+(?= =)/gm)).toEqual(['work_mem']);
    await pg1.boot();
    expect(await pg1.value('SHOW synchronous_standby_names')).toMatch(/hotspare gate/);
  });

  test('a setting that wins from elsewhere keeps Postgres from being started (D2)', async () => {
    const config = pg1.read('etc/postgresql.conf');
    pg1.write('etc/postgresql.conf', `${config}\nsynchronous_standby_names = ''\n`);
    const { status, said } = pg1.prepareStart();
    expect([status, said]).toEqual([1, expect.stringContaining('synchronous_standby_names would be ""')]);
    pg1.write('etc/postgresql.conf', `${config}\npromote_trigger_file = '/tmp/any'\n`);
    if (Number(pg1.binDir.split('/').at(-2)) === 15)
      expect(pg1.prepareStart()).toMatchObject({
        status: 1,
        said: expect.stringContaining('promote_trigger_file') as string,
      });
    pg1.write('etc/postgresql.conf', config);
    expect(pg1.prepareStart().status).toBe(0);
  });

  test('a keeper’s file that nothing includes is not taken into management (D6)', async () => {
    const other = await Member.make('pg9', binDir, built.file);
    try {
      await other.initdb();
      other.write('etc/postgresql.conf', other.read('etc/postgresql.conf').replace(/^include .*$/m, ''));
      await other.startKeeper();
      expect(await other.refusal({ verb: 'init', managed: true, gate: 'close' })).toBe(
        'settings-not-included',
      );
      expect((await other.facts()).managed).toBe(false);
      expect(other.prepareStart()).toMatchObject({
        status: 0,
        said: expect.stringContaining('not managed') as string,
      });
      expect(existsSync(join(other.dataDir, 'standby.signal'))).toBe(false);
    } finally {
      await other.destroy();
    }
  });

  test('while a rejoin is half done Postgres is not started (D2)', () => {
    pg1.write('state/rewinding', '{"method":"rewind"}');
    const { status, said } = pg1.prepareStart();
    expect([status, said]).toEqual([1, expect.stringContaining('a rejoin by rewind did not end')]);
    rmSync(pg1.path('state/rewinding'));
  });

  test('not for a Postgres that runs, and not under another account', async () => {
    await pg1.boot();
    expect(pg1.prepareStart()).toMatchObject({
      status: 1,
      said: expect.stringContaining('runs already') as string,
    });
    await pg1.stop();
    if (account.uid === undefined) return;
    const asRoot = spawnSync(
      process.execPath,
      [built.file, 'prepare-start', '--config', pg1.path('etc/keeper.yaml')],
      {
        encoding: 'utf8',
      },
    );
    expect([asRoot.status, asRoot.stderr]).toEqual([1, expect.stringContaining('must run as the owner')]);
  });

  test('a restored copy gets a new incarnation, and nothing is known of its history (R5, D4)', async () => {
    await pg1.boot();
    await pg1.must({ verb: 'promote' });
    const before = await pg1.facts();
    expect(before.history?.forks.length).toBeGreaterThan(0);
    await pg1.stop();
    cpSync(pg1.dataDir, `${pg1.dataDir}.copy`, { recursive: true, preserveTimestamps: true });
    spawnSync('chown', ['-R', '--reference', pg1.dataDir, `${pg1.dataDir}.copy`]);
    rmSync(pg1.dataDir, { recursive: true });
    renameSync(`${pg1.dataDir}.copy`, pg1.dataDir);
    await pg1.boot();
    expect((await pg1.facts()).incarnation).not.toBe(before.incarnation);
  });

  test('an order to promote that was cut off is obeyed by no later start (G2)', async () => {
    pg1.write('var/data/promote', '');
    await pg1.boot();
    expect(existsSync(join(pg1.dataDir, 'promote'))).toBe(false);
    // Left beside a running Postgres, any SIGUSR1 would carry it out: a keeper that starts takes it back.
    await pg1.killKeeper();
    pg1.write('var/data/promote', '');
    await pg1.startKeeper();
    expect(existsSync(join(pg1.dataDir, 'promote'))).toBe(false);
    process.kill(pg1.postmaster.pid, 'SIGUSR1');
    expect(await inRecovery()).toBe(true);
  });
});
