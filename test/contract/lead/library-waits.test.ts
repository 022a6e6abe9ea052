import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { OutcomeUnknownError, Pool, ReadOnlyError } from '../../../sidecar/index.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { buildKeeper, majors, managedPrimary, managedStandby, type Member } from '../keeper/member.js';

let built: Awaited<ReturnType<typeof buildKeeper>>;
beforeAll(async () => {
  built = await buildKeeper();
});
afterAll(() => built?.destroy());

/** Nobody has this name, and it is no gate's. */
const away = 'pg9.0000';

describe.each(majors)('PostgreSQL $major: a write that nobody confirms', ({ binDir }) => {
  vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 });
  let pg1: Member;
  let pg2: Member;
  let pool: Pool;
  beforeAll(async () => {
    pg1 = await managedPrimary('pg1', binDir, built.file);
    pg2 = await managedStandby('pg2', pg1, built.file);
  });
  afterAll(async () => {
    await pg2?.destroy();
    await pg1?.destroy();
  });
  afterEach(async () => {
    await pg1.call({ verb: 'gate', do: 'open' });
    await pool?.end();
  });

  const open = (members: readonly Member[], own: object = {}) => {
    const hosts = members.map(({ port }) => ({ host: '127.0.0.1', port }));
    pool = new Pool({
      user: 'postgres',
      database: 'postgres',
      ackTimeoutMs: 500,
      hotspare: { hosts, ...patient },
      ...own,
    });
    return pool.waitForMode('read-write', eventuallyMs);
  };
  /** From now on commits wait for a standby that is away. */
  const lose = async () => {
    const answer = await pg1.call({ verb: 'gate', do: 'open', standbys: [away], deadlineMs: 200 });
    expect(answer.outcome).toBe('timed-out');
  };
  const find = () => pg1.call({ verb: 'gate', do: 'open' });
  const note = (text: string) => pool.query('INSERT INTO notes VALUES ($1)', [text]);
  const noted = async (text: string) =>
    Number((await pg1.query('SELECT count(*) FROM notes WHERE text = $1', [text]))[0]?.[0]);
  const waiting = () =>
    pg1.value("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = ''");

  test('its outcome is unknown, the mode is read-only, and nothing is cancelled', async () => {
    await open([pg1, pg2]);
    await note('before');
    await lose();
    await expect(note('waits')).rejects.toThrow(OutcomeUnknownError);
    expect(pool.mode).toBe('read-only');
    expect(pool.modeReason).toMatch(/does not acknowledge writes in time/);
    await expect(note('refused')).rejects.toThrow(ReadOnlyError);
    expect((await pool.query('SELECT count(*) FROM notes')).rows).toHaveLength(1);
    // Longer than several heartbeats: a server that answers them does not confirm writes for that.
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(pool.mode).toBe('read-only');
    expect(await waiting()).toBe('1');
    await find();
    await pool.waitForMode('read-write', eventuallyMs);
    expect(await noted('waits')).toBe(1);
    await note('after');
  });

  test('a long statement is given the time that it takes', async () => {
    await open([pg1, pg2]);
    await pool.query("INSERT INTO notes SELECT 'long' FROM pg_sleep(2)");
    expect(await noted('long')).toBe(1);
    expect(pool.mode).toBe('read-write');
  });

  test('behind a gate', async () => {
    await open([pg1, pg2]);
    const client = await pool.connect();
    await client.query('SELECT 1');
    await pg1.must({ verb: 'gate', do: 'close' });
    await pool.waitForMode('read-only', eventuallyMs);
    expect(pool.modeReason).toMatch(/its gate is closed/);
    await expect(client.query("INSERT INTO notes VALUES ('gated')")).rejects.toThrow(OutcomeUnknownError);
    client.release();
    await pg1.must({ verb: 'gate', do: 'open' });
    await pool.waitForMode('read-write', eventuallyMs);
  });

  const failure = (work: Promise<unknown>) =>
    work.then(
      () => null,
      (error: unknown) => error,
    );
  const cancel = () =>
    waitFor('a wait to be cancelled', eventuallyMs, () =>
      pg1.value(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND application_name = ''",
      ),
    );

  test('a wait that somebody cancels is no success (R7)', async () => {
    await open([pg1, pg2], { ackTimeoutMs: Infinity });
    await lose();
    const alone = failure(note('cancelled'));
    await cancel();
    expect(await alone).toBeInstanceOf(OutcomeUnknownError);
    expect(String(await alone)).toMatch(/written to .* alone, and lost if another member takes over/);
    expect(await noted('cancelled')).toBe(1);

    let runs = 0;
    const whole = failure(
      pool.transaction(
        async (client) => {
          runs += 1;
          await client.query("INSERT INTO notes VALUES ('in a transaction')");
        },
        { retry: true },
      ),
    );
    await cancel();
    expect(await whole).toBeInstanceOf(OutcomeUnknownError);
    expect(runs).toBe(1);

    const client = await pool.connect();
    const held = failure(client.query("INSERT INTO notes VALUES ('held')"));
    await cancel();
    expect(await held).toBeInstanceOf(OutcomeUnknownError);
    // The session itself is well.
    expect((await client.query('SELECT 1 AS one')).rows).toEqual([{ one: 1 }]);
    client.release();
  });

  test('where nobody leads, all that is as in pg', async () => {
    await pg2.stop('SIGKILL');
    try {
      await open([pg1]);
      await lose();
      const alone = note('unmanaged');
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      expect(pool.mode).toBe('read-write');
      await cancel();
      expect((await alone).rowCount).toBe(1);
    } finally {
      await pg2.boot();
    }
  });
});
