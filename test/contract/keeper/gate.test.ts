import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { account, buildKeeper, majors, managedPrimary, type Member } from './member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

describe.each(majors)('PostgreSQL $major', ({ binDir }) => {
  let pg1: Member;
  const standIns: ChildProcess[] = [];
  beforeAll(async () => {
    pg1 = await managedPrimary('pg1', binDir, built.file);
  });
  afterAll(async () => {
    for (const each of standIns) each.kill('SIGKILL');
    await pg1?.destroy();
  });
  beforeEach(() => pg1.must({ verb: 'gate', do: 'open' }));

  /** An app's write; whether it was acknowledged while `look` ran. */
  async function write(text: string) {
    const client = await pg1.client();
    let acknowledged = false;
    const done = client.query('INSERT INTO notes VALUES ($1)', [text]).then(
      () => (acknowledged = true),
      () => {},
    );
    return { client, done, acknowledged: () => acknowledged };
  }
  const waits = () =>
    waitFor('a commit behind the gate', eventuallyMs, async () => {
      return (
        Number(await pg1.value("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'SyncRep'")) > 0
      );
    });
  const checkpointer = async () =>
    Number(await pg1.value("SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'"));

  test('closed: commits wait; open: they return (G1)', async () => {
    const closed = await pg1.must({ verb: 'gate', do: 'close' });
    expect(closed.gate).toMatchObject({ kind: 'closed', sinceStart: true });
    expect(closed.barrierLsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    const one = await write('behind the gate');
    await waits();
    expect(one.acknowledged()).toBe(false);
    expect((await pg1.must({ verb: 'gate', do: 'open' })).gate).toEqual({
      kind: 'open',
      standbys: '',
      proven: true,
    });
    await one.done;
    expect(one.acknowledged()).toBe(true);
  });

  test('the name is new at each closing, in double quotes, short enough (G1)', async () => {
    const names = [];
    for (let each = 0; each < 3; each++) {
      const { gate } = await pg1.must({ verb: 'gate', do: 'close' });
      names.push(gate.kind === 'closed' ? gate.name : '');
      expect(await pg1.value('SHOW synchronous_standby_names')).toBe(`"${names.at(-1)}"`);
    }
    expect(new Set(names).size).toBe(3);
    expect(Math.max(...names.map((name) => Buffer.byteLength(name)))).toBeLessThanOrEqual(63);
    expect(names[0]).toMatch(/^hotspare gate [0-9a-f]{16}$/);
  });

  test('with the checkpointer stopped the gate is not said to be closed, nor open (G1)', async () => {
    const pid = await checkpointer();
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await pg1.call({ verb: 'gate', do: 'close', deadlineMs: 700 })).toMatchObject({
        outcome: 'timed-out',
      });
      const one = await write('acknowledged meanwhile');
      await one.done;
      expect(one.acknowledged()).toBe(true);
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await pg1.must({ verb: 'gate', do: 'close' });
    process.kill(pid, 'SIGSTOP');
    try {
      expect(await pg1.call({ verb: 'gate', do: 'open', deadlineMs: 700 })).toMatchObject({
        outcome: 'timed-out',
      });
      expect((await pg1.facts()).gate).toMatchObject({ kind: 'open', proven: false });
      // All wait because of the older setting, and an opening is on its way: nobody may call that closed.
      expect(await pg1.call({ verb: 'gate', do: 'close', deadlineMs: 700 })).toMatchObject({
        outcome: 'timed-out',
      });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    expect((await pg1.must({ verb: 'gate', do: 'close' })).gate).toMatchObject({
      kind: 'closed',
      sinceStart: true,
    });
  });

  test('a stand-in under the old name satisfies nothing (G1, R4, R5)', async () => {
    const { gate } = await pg1.must({ verb: 'gate', do: 'close' });
    const old = gate.kind === 'closed' ? gate.name : '';
    const standIn = spawn(
      join(binDir, 'pg_receivewal'),
      [
        '-D',
        pg1.path('var'),
        '--synchronous',
        '-d',
        `host=127.0.0.1 port=${pg1.port} user=postgres application_name='${old}'`,
      ],
      { ...account, cwd: '/', stdio: 'ignore' },
    );
    standIns.push(standIn);
    await waitFor('the stand-in to count', eventuallyMs, () =>
      pg1.value("SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'"),
    );
    // It does let commits pass behind the gate whose name it stole …
    const passed = await write('let through by the stand-in');
    await passed.done;
    expect(passed.acknowledged()).toBe(true);
    // … and behind the next one it does not.
    await pg1.must({ verb: 'gate', do: 'close' });
    const held = await write('behind the new gate');
    await waits();
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(held.acknowledged()).toBe(false);
    standIn.kill('SIGKILL');
  });

  test('open to a standby that is not there: not done (R2)', async () => {
    const answer = await pg1.call({ verb: 'gate', do: 'open', standbys: ['pg2.0123abcd'], deadlineMs: 500 });
    expect(answer).toMatchObject({ outcome: 'timed-out' });
    expect(await pg1.value('SHOW synchronous_standby_names')).toBe('ANY 1 ("pg2.0123abcd")');
  });

  test('a hold is reopened by the keeper itself, with what stood before (G3)', async () => {
    await pg1.must({ verb: 'gate', do: 'hold' });
    expect((await pg1.facts()).gate).toMatchObject({
      kind: 'hold',
      name: expect.stringMatching(/^hotspare hold /) as string,
    });
    const one = await write('during the hold');
    await waits();
    await one.done;
    expect(one.acknowledged()).toBe(true);
    expect((await pg1.facts()).gate).toMatchObject({ kind: 'open', standbys: '' });
    expect(await pg1.refusal({ verb: 'gate', do: 'final' })).toBe('no-hold');
  });

  test('a hold is reopened by a keeper that was killed meanwhile (G3, D5)', async () => {
    await pg1.must({ verb: 'gate', do: 'hold' });
    const one = await write('during the hold, keeper killed');
    await waits();
    await pg1.killKeeper();
    await pg1.startKeeper();
    await one.done;
    expect(one.acknowledged()).toBe(true);
    await waitFor('the gate to be open', eventuallyMs, async () => (await pg1.facts()).gate.kind === 'open');
  });

  /** The keeper killed, and its files as it leaves them when that comes in between: the gate by its state, and by the settings file. */
  async function cutOff(state: object | undefined, names: string | undefined) {
    await pg1.killKeeper();
    if (state) pg1.write('state/gate', JSON.stringify(state));
    if (names !== undefined)
      pg1.write(
        'etc/hotspare.conf',
        pg1.read('etc/hotspare.conf').replace(/^(synchronous_standby_names = ).*$/m, `$1'${names}'`),
      );
    await pg1.startKeeper();
  }
  const whoseGate = () => (JSON.parse(pg1.read('state/gate')) as { readonly postmaster: string }).postmaster;

  test.each([
    ['before its settings were on disk', false],
    ['before Postgres had been told of them', true],
  ])('cut off while it opened the gate, %s, a keeper goes on with it (D5, G1)', async (_, isWritten) => {
    const postmaster = whoseGate();
    await pg1.must({ verb: 'gate', do: 'close' });
    const one = await write('behind a gate that was to be opened');
    await waits();
    await cutOff(
      { kind: 'open', standbys: '', proven: false, settled: false, postmaster },
      isWritten ? '' : undefined,
    );
    await waitFor('the write to be acknowledged', eventuallyMs, () => one.acknowledged());
    // It writes that down after the commit that proves it.
    await waitFor('the open gate to be proven', eventuallyMs, async () =>
      isDeepStrictEqual((await pg1.facts()).gate, { kind: 'open', standbys: '', proven: true }),
    );
  });

  test('cut off while it was to open a gate for a Postgres of before, a keeper opens none (D1, G1)', async () => {
    await pg1.must({ verb: 'gate', do: 'close' });
    const one = await write('behind a gate that was to be opened for another');
    await waits();
    await cutOff({ kind: 'open', standbys: '', proven: false, settled: false, postmaster: '1:1' }, undefined);
    await waitFor(
      'the gate to be closed',
      eventuallyMs,
      async () => (await pg1.facts()).gate.kind === 'closed',
    );
    expect(one.acknowledged()).toBe(false);
  });

  test('cut off while it closed the gate, a keeper goes back to the open one (D5, G1)', async () => {
    await cutOff(undefined, '"hotspare gate 00"');
    await waitFor('the gate to be open', eventuallyMs, async () => {
      const { gate } = await pg1.facts();
      return gate.kind === 'open' && gate.proven && !pg1.read('etc/hotspare.conf').includes('hotspare gate');
    });
    const one = await write('after a closing that was cut off');
    await one.done;
    expect(one.acknowledged()).toBe(true);
    expect((await pg1.must({ verb: 'gate', do: 'close' })).gate).toMatchObject({
      kind: 'closed',
      sinceStart: true,
    });
  });

  test('a hold that was made final stays closed (G3)', async () => {
    await pg1.must({ verb: 'gate', do: 'hold' });
    const { gate } = await pg1.must({ verb: 'gate', do: 'final' });
    expect(gate).toMatchObject({ kind: 'closed' });
    await new Promise((resolve) => setTimeout(resolve, 2_600));
    expect((await pg1.facts()).gate).toMatchObject({ kind: 'closed' });
  });

  test('behind the gate, waiters whose client has gone are ended, others are not (G3)', async () => {
    await pg1.must({ verb: 'gate', do: 'close' });
    const [gone, there] = [await write('its client goes'), await write('its client stays')];
    const waiters = async () =>
      Number(await pg1.value("SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'SyncRep'"));
    await waitFor('both to wait', eventuallyMs, async () => (await waiters()) === 2);
    (gone.client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
    await waitFor('one to be ended', eventuallyMs, async () => (await waiters()) === 1);
    expect(there.acknowledged()).toBe(false);
    await pg1.must({ verb: 'gate', do: 'open' });
    await there.done;
    expect(there.acknowledged()).toBe(true);
  });

  test('works with every ordinary slot taken by commits that wait (G3)', async () => {
    await pg1.query('CREATE ROLE app LOGIN');
    await pg1.query('GRANT ALL ON notes TO app');
    await pg1.must({ verb: 'gate', do: 'close' });
    const clients = [];
    for (;;) {
      const client = await pg1.client({ user: 'app' }).catch(() => undefined);
      if (!client) break;
      client.query("INSERT INTO notes VALUES ('one of many')").catch(() => {});
      clients.push(client);
    }
    expect(clients.length).toBeGreaterThan(10);
    await pg1.must({ verb: 'gate', do: 'close' });
    await pg1.must({ verb: 'gate', do: 'open' });
    for (const client of clients) await client.end();
  });
});
