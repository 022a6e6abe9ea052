import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import pg from 'pg';
import { Pool, type Target } from '../../../sidecar/index.js';
import { RefusingProxy } from '../../fakes/refusing-proxy.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

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

function open(own: object = {}, members: readonly Target[] = [pair.primary, pair.standby]): Pool {
  const hosts = members.map(({ host, port }) => ({ host, port }));
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

/** Nobody finds a function that he has not used before, on the standby neither. The work has this session, which finds all. */
async function withoutCatalogue(work: (locker: pg.Client) => Promise<void>): Promise<void> {
  const locker = new pg.Client({ connectionString: pair.primary.url('postgres') });
  await locker.connect();
  try {
    await locker.query('BEGIN; LOCK TABLE pg_catalog.pg_proc IN ACCESS EXCLUSIVE MODE');
    await work(locker);
  } finally {
    await locker.end();
  }
}

describe('what a member does not get done', () => {
  const cancelled = async (pool: Pool) => {
    await pool.query("INSERT INTO notes VALUES ('written')");
    await waitFor('the error', eventuallyMs, () => pool.modeReason.includes('57014'));
    expect(detailOf(pool, pair.primary.port)).toMatch(/57014: canceling statement due to/);
    expect(pool.mode).toBe('read-write');
  };
  const toldAgain = (pool: Pool) =>
    waitFor('all to be told', eventuallyMs, () => !pool.modeReason.includes('57014'));

  test('statement_timeout cuts its questions off: its role decides, and all is told later', async () => {
    await pair.primary.query("ALTER ROLE app SET statement_timeout = '50ms'");
    const pool = open();
    try {
      await withoutCatalogue(() => cancelled(pool));
      await toldAgain(pool);
      expect(pool.topology.members[0]).toMatchObject({ timeline: 1 });
    } finally {
      await pair.primary.query('ALTER ROLE app RESET statement_timeout');
    }
  });

  test('somebody cancels them: the same', async () => {
    const pool = open({}, [pair.primary]);
    await withoutCatalogue(async (locker) => {
      // Else a transaction sees the same activity all the time.
      const cancel = `SELECT pg_stat_clear_snapshot(); SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'hotspare-monitor' AND wait_event_type = 'Lock'`;
      let over = false;
      const cancelling = (async () => {
        while (!over) {
          await locker.query(cancel);
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      await cancelled(pool).finally(() => (over = true));
      await cancelling;
    });
    await toldAgain(pool);
  });

  test.each(['53200', '0A000', '57014', 'XX000'])(
    '%s, from the server or from what stands before it: its role decides, on one session',
    async (code) => {
      const questions = /pg_control_system|pg_is_in_recovery|_lsn/;
      const proxy = await RefusingProxy.before(pair.primary, questions, code);
      try {
        const pool = open({}, [proxy.target]);
        await pool.query("INSERT INTO notes VALUES ('written')");
        await waitFor('the error', eventuallyMs, () => pool.modeReason.includes(code));
        const [before, asked] = [await monitors(), proxy.refused];
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        await pool.query("INSERT INTO notes VALUES ('written')");
        expect(pool.mode).toBe('read-write');
        expect(await monitors()).toEqual(before);
        // Asked at each heartbeat it would be three or four of each.
        expect(proxy.refused - asked).toBeLessThan(12);
      } finally {
        await Promise.all(pools.splice(0).map((pool) => pool.end()));
        await proxy.stop();
      }
    },
  );
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
