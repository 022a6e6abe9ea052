import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { main } from '../../../cli/main.js';
import { systemIo, type Io } from '../../../cli/io.js';
import { account, buildKeeper, majors, managedPrimary, type Member } from './member.js';

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

  test('facts: what runs, what lies there, and how the gate stands', async () => {
    const facts = await pg1.facts();
    expect(facts).toMatchObject({
      member: 'pg1',
      managed: true,
      data: { state: 'present', cluster: 'in production', timeline: 1 },
      server: { state: 'running', pid: pg1.postmaster.pid, others: 0 },
      standbySignal: true,
      gate: { kind: 'open', standbys: '', proven: true },
      sql: { state: 'answers', inRecovery: false, synchronousStandbyNames: '', senders: [], overrides: [] },
    });
    expect(facts.applicationName).toBe(`pg1.${facts.incarnation}`);
    expect(facts.data).toMatchObject({ systemId: facts.history?.systemId });
  });

  test('facts: roles and databases that set synchronous_commit for themselves are named (R7)', async () => {
    await pg1.query("CREATE ROLE careless; ALTER ROLE careless SET synchronous_commit = 'local'");
    const { sql } = await pg1.facts();
    expect(sql).toMatchObject({ overrides: ['careless: synchronous_commit=local'] });
    await pg1.query('DROP ROLE careless');
  });

  test('facts: of a Postgres that hangs, again and again, within the time that the agent waits', async () => {
    pg1.postmaster.signalAll('SIGSTOP');
    try {
      // The first gives up the session that was open; the others would have to log in.
      for (let turn = 0; turn < 3; turn += 1) {
        const answer = await pg1.call({ verb: 'facts', deadlineMs: 2_500 });
        expect(answer).toMatchObject({
          outcome: 'done',
          result: { server: { state: 'running' }, sql: { state: 'unknown' } },
        });
      }
    } finally {
      pg1.postmaster.signalAll('SIGCONT');
    }
  });

  test('facts: a minor whose gate leaks after a start is refused', async () => {
    const old = pg1.path('old-bin');
    mkdirSync(old);
    pg1.write('old-bin/postgres', '#!/bin/sh\necho "postgres (PostgreSQL) 15.12 (Debian 15.12-0+deb12u1)"\n');
    chmodSync(`${old}/postgres`, 0o755);
    pg1.write('old-bin/pg_controldata', `#!/bin/sh\nexec ${binDir}/pg_controldata "$@"\n`);
    chmodSync(`${old}/pg_controldata`, 0o755);
    await pg1.killKeeper();
    pg1.writeConfig(old);
    await pg1.startKeeper();
    const answer = await pg1.call({ verb: 'facts' });
    expect(answer).toMatchObject({ outcome: 'refused', reason: 'minor-too-old' });
    expect(answer).toMatchObject({ sentence: expect.stringContaining('15.13') as string });
    expect(await pg1.refusal({ verb: 'promote' })).toBe('minor-too-old');
    await pg1.killKeeper();
    pg1.writeConfig();
    await pg1.startKeeper();
  });

  test('an order that is not in the closed list, or says more than it may, is refused', async () => {
    const ask = (line: string) =>
      pg1.call(JSON.parse(line) as never) as Promise<{ reason?: string; sentence?: string }>;
    expect(await ask('{"verb":"shell","command":"id","deadlineMs":20000}')).toMatchObject({
      reason: 'bad-request',
    });
    expect(await ask('{"verb":"slots","names":["a; DROP TABLE notes"]}')).toMatchObject({
      reason: 'bad-request',
    });
    expect(await ask('{"verb":"follow","host":"x password=y"}')).toMatchObject({ reason: 'bad-request' });
    expect(await ask('{"verb":"facts","more":1}')).toMatchObject({
      sentence: expect.stringContaining('order.more') as string,
    });
  });

  test('hotspare keeper call: answers, and exit codes', async () => {
    const run = async (...args: string[]) => {
      let [out, err] = ['', ''];
      const io = {
        ...systemIo(process),
        out: (text: string) => (out += text),
        err: (text: string) => (err += text),
      };
      const code = await main(['keeper', 'call', ...args], io as Io);
      return { code, out, err };
    };
    const at = ['--socket', pg1.socket, '--json'];
    const facts = await run('facts', ...at);
    expect([facts.code, JSON.parse(facts.out)]).toMatchObject([
      0,
      { outcome: 'done', result: { member: 'pg1' } },
    ]);
    expect(await run('gate', '{"do": "final"}', '--socket', pg1.socket)).toMatchObject({
      code: 4,
      out: expect.stringMatching(/^refused \(no-hold\): the gate is not held/) as string,
    });
    expect(await run('gate', '{"do": "ajar"}', ...at)).toMatchObject({
      code: 2,
      err: expect.stringContaining('gate.do') as string,
    });
    expect(await run('shell', ...at)).toMatchObject({ code: 2 });
    expect(await run('facts', '--socket', '/nowhere.sock')).toMatchObject({
      code: 1,
      out: 'failed: no keeper listens at /nowhere.sock\n',
    });
    process.kill(pg1.keeperPid, 'SIGSTOP');
    const silent = await run('checkpoint', '{"deadlineMs": 200}', ...at);
    process.kill(pg1.keeperPid, 'SIGCONT');
    expect([silent.code, JSON.parse(silent.out)]).toMatchObject([5, { outcome: 'unconfirmed' }]);
  });

  test.runIf(account.uid !== undefined)(
    'a foreign account cannot open the socket, the agent’s group can',
    async () => {
      const connect = `require('net').connect(${JSON.stringify(pg1.socket)}).on('error', (e) => console.log(e.code)).on('connect', () => { console.log('open'); process.exit() })`;
      const as = (user: string, group: string) =>
        spawnSync(
          'setpriv',
          ['--reuid', user, '--regid', group, '--clear-groups', process.execPath, '-e', connect],
          {
            encoding: 'utf8',
            cwd: '/',
          },
        ).stdout.trim();
      expect(as('nobody', 'nogroup')).toBe('EACCES');
      expect(as('postgres', 'nogroup')).toBe('open');
      // In the tests the keeper's account is in one group only.
      await pg1.killKeeper();
      pg1.write('etc/keeper.yaml', `group: postgres\n${pg1.read('etc/keeper.yaml')}`);
      await pg1.startKeeper();
      expect([as('nobody', 'postgres'), as('nobody', 'nogroup')]).toEqual(['open', 'EACCES']);
    },
  );

  test('a second keeper for the same data does not start', () => {
    const args = [built.file, '--config', pg1.path('etc/keeper.yaml')];
    const { status, stderr } = spawnSync(process.execPath, args, {
      ...account,
      encoding: 'utf8',
      cwd: '/',
      timeout: 20_000,
    });
    expect([status, stderr]).toEqual([1, expect.stringContaining('another keeper runs')]);
  });
});
