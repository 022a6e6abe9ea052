import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Pool } from '../../sidecar/index.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

/** Members that answer the library's own questions with an error. */
let pair: PostgresPair;
const pools: Pool[] = [];
beforeAll(async () => {
  pair = await startPostgresPair();
  await pair.primary.query('CREATE TABLE notes (text text)');
  await pair.primary.query('GRANT ALL ON notes TO app');
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});
afterAll(() => pair?.destroy());

function open(own: object = {}): Pool {
  const hosts = [pair.primary, pair.standby].map(({ host, port }) => ({ host, port }));
  const login = { user: 'app', password: 'app', database: 'app', warmSpare: false };
  const pool = new Pool({ ...login, ...own, hotspare: { ...patient, hosts } });
  pools.push(pool);
  return pool;
}

/** What functions may not be called any more, everywhere: the standby follows. */
async function without<T>(functions: readonly string[], work: () => Promise<T>): Promise<T> {
  const all = async (what: string) => {
    for (const name of functions) await pair.primary.query(what.replace('%', `FUNCTION ${name}() `));
    await pair.caughtUp();
  };
  await all('REVOKE EXECUTE ON % FROM PUBLIC');
  try {
    return await work();
  } finally {
    await all('GRANT EXECUTE ON % TO PUBLIC');
  }
}

const monitors = async () => {
  const rows = await pair.primary.query(
    "SELECT pid FROM pg_stat_activity WHERE application_name = 'hotspare-monitor' ORDER BY pid",
  );
  return rows.map(([pid]) => pid);
};
const detailOf = (pool: Pool, port: number) =>
  pool.topology.members.find((member) => member.port === port)?.detail;

/** Sessions of `pool.read` ask for their role themselves. */
async function serves(pool: Pool, { reads } = { reads: true }): Promise<void> {
  await pool.query("INSERT INTO notes VALUES ('written')");
  await waitFor('the replica', eventuallyMs, () => pool.topology.readFrom[0]?.port === pair.standby.port);
  if (reads) await pool.read.query('SELECT 1');
  expect(pool.mode).toBe('read-write');
}

describe('what a member does not tell', () => {
  test.each([
    ['where it writes', ['pg_current_wal_lsn']],
    ['which database it is', ['pg_control_system']],
    ['whether it is in recovery', ['pg_is_in_recovery']],
    ['anything', ['pg_is_in_recovery', 'pg_control_system', 'pg_current_wal_lsn', 'pg_last_wal_replay_lsn']],
  ])('%s: its role decides, on one session, and the error is named', async (_, functions) => {
    await without(functions, async () => {
      const pool = open();
      const reads = !functions.includes('pg_is_in_recovery');
      await serves(pool, { reads });
      const before = await monitors();
      const denied = new RegExp(
        `42501: permission denied for function ${functions[0]}|42501: .*pg_control_system`,
      );
      expect(detailOf(pool, pair.primary.port)).toMatch(denied);
      expect(pool.modeReason).toMatch(denied);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await monitors()).toEqual(before);
      await serves(pool, { reads });
    });
  });

  test('it is told again later, without a new session', async () => {
    const pool = await without(['pg_current_wal_lsn'], async () => {
      const made = open();
      await serves(made);
      return made;
    });
    await waitFor('all to be told', eventuallyMs, () => !pool.modeReason.includes('42501'));
    expect(pool.topology.members[0]).toMatchObject({ timeline: 1, detail: 'is the primary' });
  });

  test('withdrawn while it is in use: nothing happens', async () => {
    const pool = open();
    await serves(pool);
    await without(['pg_current_wal_lsn', 'pg_control_system'], async () => {
      await waitFor('the error', eventuallyMs, () => pool.modeReason.includes('42501'));
      await serves(pool);
    });
  });
});

test('sessions that the server ends again and again are made anew more and more slowly', async () => {
  await pair.primary.query("ALTER ROLE app SET idle_session_timeout = '40ms'");
  try {
    const pool = open();
    await pool.waitForMode('read-write', eventuallyMs);
    const logIns = async () => {
      const [row] = await pair.primary.query(
        "SELECT sessions::int FROM pg_stat_database WHERE datname = 'app'",
      );
      return Number(row![0]);
    };
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    const before = await logIns();
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    // Two of them are this test's own. Made anew at once, it would be some fifty.
    expect((await logIns()) - before).toBeLessThan(20);
    expect(pool.mode).toBe('read-write');
  } finally {
    await pair.primary.query('ALTER ROLE app RESET idle_session_timeout');
  }
});
