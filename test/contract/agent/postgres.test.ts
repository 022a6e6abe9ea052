import { appendFileSync, chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { PostgresFacts, ProbeResult } from '../../../agent/core/model.js';
import type { TlsOptions } from '../../../agent/ports.js';
import { PostgresDriver } from '../../../agent/drivers/postgres/driver.js';
import type { Login } from '../../../agent/drivers/postgres/session/session.js';
import { keptSecret, keptTls } from '../../../agent/secrets/files.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { Secret } from '../../../common/secret.js';
import { agentRole, createAgentRole } from '../../support/agent/agent-role.js';
import { eventuallyMs } from '../../support/patience.js';
import { kept } from '../../support/agent/kept.js';
import { freePorts } from '../../support/ports.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../../support/postgres.js';
import { speakTls } from '../../support/programs/tls.js';
import { keptLog } from '../../fakes/kept-log.js';
import { waitFor } from '../../support/wait.js';

/** For what does not answer; a server that does may take its time. */
const hastyMs = 1_500;
const drivers: PostgresDriver[] = [];
afterEach(async () => {
  for (const driver of drivers.splice(0)) await driver.close();
});

interface Options {
  password?: string;
  dataDir?: string;
  minFreeBytes?: number;
  timeoutMs?: number;
  login?: Partial<Login>;
}

function driverFor(port: number, more: Options = {}) {
  const { user, password, database } = agentRole;
  const driver = new PostgresDriver({
    box: 'pg1',
    login: {
      address: '127.0.0.1',
      port,
      user,
      password: kept(new Secret(more.password ?? password)),
      database,
      ...more.login,
    },
    timeoutMs: more.timeoutMs ?? 15_000,
    minFreeBytes: more.minFreeBytes ?? 0,
    ...(more.dataDir === undefined ? {} : { dataDir: more.dataDir }),
    clock: systemClock,
    random: systemRandom,
  });
  drivers.push(driver);
  return driver;
}

const factsOf = (result: ProbeResult): PostgresFacts => {
  if (result.kind !== 'passing' || result.facts.kind !== 'postgres')
    throw new Error(`not passing: ${JSON.stringify(result)}`);
  return result.facts;
};

let pair: PostgresPair;
beforeAll(async () => {
  pair = await startPostgresPair();
  await createAgentRole(pair.primary);
  await waitFor('the role on the standby', eventuallyMs, async () => {
    const [row] = await pair.standby.query(
      "SELECT count(*)::int FROM pg_roles WHERE rolname = 'hotspare_agent'",
    );
    return row?.[0] === 1;
  });
});
afterAll(() => pair?.destroy());

/** The agent's sessions on a server. */
const sessions = async (server: RealPostgres) => {
  const [row] = await server.query(
    "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'hotspare_agent'",
  );
  return row?.[0] as number;
};

describe('what it sees', () => {
  test('of a primary: role, position, timeline, who streams, free space; and it writes', async () => {
    const driver = driverFor(pair.primary.port, { dataDir: pair.primary.dataDir });
    const first = factsOf(await driver.probe());
    expect(first).toMatchObject({ role: 'primary', timeline: 1, warnings: [] });
    const identity = 'SELECT system_identifier::text FROM pg_control_system()';
    expect([[first.systemId]]).toEqual(await pair.standby.query(identity));
    expect(first.lsn).toMatch(/^[0-9A-F]+\/[0-9A-F]+$/);
    expect(first.freeBytes).toBeGreaterThan(0);
    expect(first.replicas).toEqual([expect.objectContaining({ state: 'streaming', address: '127.0.0.1' })]);
    expect(first.replicas?.[0]?.lagBytes).toBeTypeOf('number');
    const beat = async () => (await heartbeat())?.[0] as string;
    const before = BigInt(await beat());
    await driver.probe();
    expect(BigInt(await beat())).toBe(before + 1n);
  });

  test('of a replica: role, position, timeline, that it streams, and its lag', async () => {
    const driver = driverFor(pair.standby.port);
    const facts = factsOf(await driver.probe());
    expect(facts).toMatchObject({ role: 'replica', timeline: 1, streaming: true, warnings: [] });
    expect(facts.lagBytes).toBeTypeOf('number');
    await pair.standby.query('SELECT pg_wal_replay_pause()');
    try {
      await pair.primary.query('CREATE TABLE lag_makes AS SELECT generate_series(1, 10000)');
      await waitFor('lag', eventuallyMs, async () => (factsOf(await driver.probe()).lagBytes ?? 0) > 100_000);
      expect(factsOf(await driver.probe()).warnings).toEqual([{ kind: 'replay-paused', state: 'paused' }]);
    } finally {
      await pair.standby.query('SELECT pg_wal_replay_resume()');
    }
    await waitFor('its end', eventuallyMs, async () => factsOf(await driver.probe()).lagBytes === 0);
    expect(factsOf(await driver.probe()).warnings).toEqual([]);
  });

  test('a disk with too little left is a warning, and so is a folder that is not there', async () => {
    const low = driverFor(pair.primary.port, { dataDir: tmpdir(), minFreeBytes: 2 ** 52 });
    expect(factsOf(await low.probe()).warnings).toEqual([{ kind: 'disk-low', minFreeBytes: 2 ** 52 }]);
    const none = driverFor(pair.primary.port, { dataDir: '/nowhere' });
    expect(factsOf(await none.probe()).warnings).toEqual([{ kind: 'disk-unread', dataDir: '/nowhere' }]);
  });

  test('a primary without the table is a primary, whose writing is not tested', async () => {
    await pair.primary.administer(['ALTER TABLE hotspare.heartbeat RENAME TO away']);
    try {
      const [warning] = factsOf(await driverFor(pair.primary.port).probe()).warnings;
      expect(warning).toMatchObject({
        kind: 'write-untested',
        why: expect.stringContaining('hotspare.heartbeat') as string,
      });
    } finally {
      await pair.primary.administer(['ALTER TABLE hotspare.away RENAME TO heartbeat']);
    }
  });

  test('files that cannot be opened, as on a file system gone read-only, are critical', async () => {
    // Empty, so that the write needs its file and not only a page in memory.
    await pair.primary.administer(['TRUNCATE hotspare.heartbeat']);
    const [row] = await pair.primary.query(
      "SELECT pg_relation_filepath('hotspare.heartbeat')",
      [],
      'postgres',
    );
    const file = join(pair.primary.dataDir, String(row?.[0]));
    chmodSync(file, 0o000);
    try {
      expect(await driverFor(pair.primary.port).probe()).toMatchObject({
        kind: 'critical',
        trouble: { kind: 'cannot-write', sqlState: '42501' },
      });
    } finally {
      chmodSync(file, 0o600);
    }
  });
});

describe('what keeps the agent from writing, and apps not, is a warning', () => {
  const warnings = async (more: Options = {}) =>
    factsOf(await driverFor(pair.primary.port, more).probe()).warnings;
  /** The beat went on: the probe wrote all the same. */
  const stillWrites = async () => {
    const before = BigInt(String((await heartbeat())?.[0]));
    const found = await warnings();
    expect(BigInt(String((await heartbeat())?.[0]))).toBe(before + 1n);
    return found;
  };

  test.each(['LOCK TABLE hotspare.heartbeat IN SHARE MODE', 'UPDATE hotspare.heartbeat SET beat = beat'])(
    'somebody else holds %s',
    async (statement) => {
      expect(await warnings()).toEqual([]);
      const blocker = new pg.Client({ connectionString: pair.primary.url('postgres', 'postgres') });
      await blocker.connect();
      try {
        await blocker.query(`BEGIN; ${statement}`);
        expect(await warnings({ timeoutMs: hastyMs })).toEqual([{ kind: 'heartbeat-locked' }]);
      } finally {
        await blocker.end();
      }
    },
  );

  test.each<[string, object]>([
    ['DATABASE postgres', { database: 'postgres' }],
    ['DATABASE app', { database: 'app' }],
    ['ROLE hotspare_agent', {}],
  ])('new sessions of %s start read-only', async (where, more) => {
    await pair.primary.administer([`ALTER ${where} SET default_transaction_read_only = on`], 'template1');
    try {
      expect(await stillWrites()).toEqual([{ kind: 'read-only-default', ...more }]);
    } finally {
      await pair.primary.administer([`ALTER ${where} RESET default_transaction_read_only`], 'template1');
    }
  });

  test('a trigger on its table, or a right it lacks', async () => {
    const refuses = async (does: string, undo: string, says: string) => {
      await pair.primary.administer([does]);
      try {
        const [warning] = await warnings();
        expect(warning).toMatchObject({
          kind: 'write-untested',
          why: expect.stringContaining(says) as string,
        });
      } finally {
        await pair.primary.administer([undo]);
      }
    };
    await refuses(
      'ALTER TABLE hotspare.heartbeat ADD CONSTRAINT nothing CHECK (beat < 0) NOT VALID',
      'ALTER TABLE hotspare.heartbeat DROP CONSTRAINT nothing',
      'check constraint',
    );
    await refuses(
      'ALTER TABLE hotspare.heartbeat OWNER TO postgres',
      'ALTER TABLE hotspare.heartbeat OWNER TO hotspare_agent',
      'permission denied',
    );
  });

  test('commits wait for a standby that is not there', async () => {
    const reload = (change: string) => pair.primary.administer([change, 'SELECT pg_reload_conf()']);
    await reload("ALTER SYSTEM SET synchronous_standby_names = '2 (walreceiver, missing)'");
    try {
      await waitFor('the warning', eventuallyMs, async () => {
        const [warning] = await warnings();
        return warning?.kind === 'sync-missing' && warning.wanted === 2 && warning.streaming === 1;
      });
    } finally {
      await reload('ALTER SYSTEM RESET synchronous_standby_names');
    }
    await waitFor('its end', eventuallyMs, async () => (await warnings()).length === 0);
  });
});

test('functions and tables under the names of its own change nothing', async () => {
  const shadows = [
    'CREATE SCHEMA shadow',
    "CREATE FUNCTION shadow.pg_current_wal_lsn() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT 'F/F'::pg_lsn $$",
    "CREATE FUNCTION shadow.pg_walfile_name(pg_lsn) RETURNS text LANGUAGE sql AS $$ SELECT '00000099' $$",
    "CREATE FUNCTION shadow.pg_last_wal_replay_lsn() RETURNS pg_lsn LANGUAGE sql AS $$ SELECT 'F/F'::pg_lsn $$",
    'CREATE FUNCTION shadow.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS $$ SELECT random() < 0 $$',
    'CREATE VIEW shadow.pg_stat_replication AS SELECT * FROM pg_catalog.pg_stat_replication WHERE false',
    'CREATE FUNCTION shadow.plus(int8, int4) RETURNS int8 LANGUAGE sql AS $$ SELECT 0::int8 $$',
    'CREATE OPERATOR shadow.+ (LEFTARG = int8, RIGHTARG = int4, FUNCTION = shadow.plus)',
    'GRANT USAGE ON SCHEMA shadow TO PUBLIC',
    'ALTER ROLE hotspare_agent SET search_path = shadow, pg_catalog',
  ];
  await pair.primary.administer(shadows);
  try {
    await pair.caughtUp();
    const primary = factsOf(await driverFor(pair.primary.port).probe());
    expect(primary).toMatchObject({ role: 'primary', timeline: 1, warnings: [] });
    expect(primary.replicas).toHaveLength(1);
    expect(primary.lsn).toMatch(/^0\//);
    expect(String((await heartbeat())?.[0])).not.toBe('0');
    const replica = factsOf(await driverFor(pair.standby.port).probe());
    expect(replica).toMatchObject({ role: 'replica', timeline: 1 });
    expect(replica.lsn).toMatch(/^0\//);
  } finally {
    await pair.primary.administer([
      'ALTER ROLE hotspare_agent RESET search_path',
      'DROP SCHEMA shadow CASCADE',
    ]);
  }
});

describe('what says nothing about the member is unknown, not critical', () => {
  test('a wrong password, which is not shown', async () => {
    const result = await driverFor(pair.primary.port, { password: 'wrong-secret' }).probe();
    expect(result).toMatchObject({ kind: 'unknown', obstacle: { kind: 'login-refused', sqlState: '28P01' } });
    expect(JSON.stringify(result)).not.toContain('wrong-secret');
  });

  test('no connection slot left: seen through the held session when there is one', async () => {
    const held = driverFor(pair.primary.port);
    await held.probe();
    await waitFor('the held session', eventuallyMs, async () => (await sessions(pair.primary)) === 1);
    const without = driverFor(pair.primary.port);
    const crowd = await takeEverySlot(pair.primary);
    try {
      expect(await without.probe()).toEqual({ kind: 'unknown', obstacle: { kind: 'slots-full' } });
      await waitFor('the next log-in', eventuallyMs, async () => {
        const { role, warnings } = factsOf(await held.probe());
        return role === 'primary' && warnings[0]?.kind === 'slots-full';
      });
      // It is tried each time from then on.
      expect(factsOf(await held.probe()).warnings).toEqual([{ kind: 'slots-full' }]);
    } finally {
      await Promise.all(crowd.map((client) => client.end()));
    }
    await waitFor('free slots', eventuallyMs, async () => (await held.probe()).kind === 'passing');
  });
});

describe('secrets and certificates that are replaced', () => {
  const around = { clock: systemClock, log: keptLog() };
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-secrets-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('a password: a refusal brings the new one from its file, and a probe at once', async () => {
    const file = join(folder, 'password');
    const password = keptSecret(file, new Secret('rotated away'), around);
    const driver = driverFor(pair.primary.port, { login: { password } });
    let alarms = 0;
    driver.onAlarm(() => alarms++);
    writeFileSync(file, 'not yet the right one\n');
    expect(await driver.probe()).toMatchObject({ kind: 'unknown', obstacle: { sqlState: '28P01' } });
    expect(alarms).toBe(1);
    writeFileSync(file, `\uFEFF${agentRole.password} \r\n`);
    await waitFor('the right one', eventuallyMs, async () => (await driver.probe()).kind === 'passing');
    expect(alarms).toBe(2);
  });

  test('TLS to a server that takes nothing else', async () => {
    const ca = await speakTls(pair.primary, ['IP:127.0.0.1']);
    const hba = join(pair.primary.dataDir, 'pg_hba.conf');
    const before = readFileSync(hba, 'utf8');
    writeFileSync(hba, `hostnossl all ${agentRole.user} all reject\n${before}`);
    await pair.primary.query('SELECT pg_reload_conf()');
    try {
      const probe = (ssl?: TlsOptions) =>
        driverFor(pair.primary.port, ssl ? { login: { ssl: kept(ssl) } } : {}).probe();
      await waitFor('the rule', eventuallyMs, async () => (await probe()).kind === 'unknown');
      expect(await probe()).toMatchObject({ obstacle: { kind: 'login-refused', sqlState: '28000' } });
      expect(await probe({})).toMatchObject({ kind: 'unknown', obstacle: { kind: 'tls-refused' } });
      expect(factsOf(await probe({ ca })).role).toBe('primary');
      expect(factsOf(await probe({ rejectUnauthorized: false })).role).toBe('primary');
      // The name of another server on a certificate that is well signed.
      expect(await probe({ ca, servername: 'pg9' })).toMatchObject({ obstacle: { kind: 'tls-refused' } });

      const file = join(folder, 'ca.pem');
      const ssl = keptTls({ files: { ca: file }, first: { ca: '' } }, around);
      const driver = driverFor(pair.primary.port, { login: { ssl } });
      writeFileSync(file, ca);
      expect((await driver.probe()).kind).toBe('unknown');
      expect((await driver.probe()).kind).toBe('passing');
    } finally {
      writeFileSync(hba, before);
      await pair.primary.query('SELECT pg_reload_conf()');
    }
    const plain = driverFor(pair.standby.port, { login: { ssl: kept({}) } });
    expect(await plain.probe()).toMatchObject({ kind: 'unknown', obstacle: { kind: 'tls-refused' } });
  });
});

describe('what goes wrong at the connection', () => {
  test('nobody listens', async () => {
    const [port] = (await freePorts(1)) as [number];
    expect(await driverFor(port).probe()).toEqual({ kind: 'critical', trouble: { kind: 'refused' } });
  });

  const rows: readonly [string, (socket: Socket) => void, string][] = [
    ['a server that says nothing', () => {}, 'no-answer'],
    ['a server that hangs up', (socket) => socket.destroy(), 'closed'],
    ['a server that hangs up politely', (socket) => socket.end(), 'closed'],
    ['a server that resets', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'closed'],
  ];
  test.each(rows)('%s', async (_, behave, kind) => {
    const { port, close } = await tcpServer(behave);
    const driver = driverFor(port, kind === 'no-answer' ? { timeoutMs: hastyMs } : {});
    expect(await driver.probe()).toMatchObject({ kind: 'critical', trouble: { kind } });
    close();
  });

  test('a web server instead of Postgres is critical, and no crash', async () => {
    const { port, close } = await tcpServer((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    );
    expect((await driverFor(port).probe()).kind).toBe('critical');
    close();
  });
});

describe('what happens to a running server', () => {
  test('kill -9: the held session raises the alarm, and the probe is refused', async () => {
    const driver = driverFor(pair.standby.port);
    await driver.probe();
    await waitFor('the held session', eventuallyMs, async () => (await sessions(pair.standby)) === 1);
    // Nobody probes meanwhile: nothing else could tell.
    const alarmed = new Promise<void>((resolve) => driver.onAlarm(() => resolve()));
    pair.standby.kill();
    await alarmed;
    await waitFor('critical', eventuallyMs, async () => (await driver.probe()).kind === 'critical');
    await pair.standby.start();
    await waitFor('its return', eventuallyMs, async () => factsOf(await driver.probe()).role === 'replica');
    await waitFor('a held session again', eventuallyMs, async () => {
      await driver.probe();
      return (await sessions(pair.standby)) >= 1;
    });
  });

  test('frozen: critical after the deadline, well after the thaw', async () => {
    const driver = driverFor(pair.standby.port, { timeoutMs: hastyMs });
    await waitFor('it to be seen', eventuallyMs, async () => (await driver.probe()).kind === 'passing');
    await waitFor('the held session', eventuallyMs, async () => (await sessions(pair.standby)) === 1);
    const seen = new Promise<unknown>((resolve) => driver.onAlarm(resolve));
    pair.standby.freeze();
    try {
      // Nothing but the held session tells, before any probe does.
      expect(await seen).toMatchObject({ result: { kind: 'critical', trouble: { kind: 'no-answer' } } });
      expect(await driver.probe()).toEqual({
        kind: 'critical',
        trouble: { kind: 'no-answer', deadlineMs: hastyMs },
      });
    } finally {
      pair.standby.thaw();
    }
    await waitFor('its return', eventuallyMs, async () => factsOf(await driver.probe()).role === 'replica');
  });

  test('the postmaster frozen alone, sessions answering: told before any probe, once, and well after the thaw', async () => {
    const driver = driverFor(pair.standby.port, { timeoutMs: hastyMs });
    await waitFor('it to be seen', eventuallyMs, async () => (await driver.probe()).kind === 'passing');
    const told: unknown[] = [];
    driver.onAlarm((seen) => told.push(seen));
    const postmaster = pair.standby.pid();
    process.kill(postmaster, 'SIGSTOP');
    try {
      await waitFor('the alarm', eventuallyMs, () => told.length > 0);
      expect(told).toHaveLength(1);
      expect(told[0]).toMatchObject({ result: { kind: 'critical', trouble: { kind: 'no-answer' } } });
      expect(await driver.probe(0.5)).toMatchObject({ kind: 'critical', trouble: { kind: 'no-answer' } });
    } finally {
      process.kill(postmaster, 'SIGCONT');
    }
    await waitFor('its return', eventuallyMs, async () => factsOf(await driver.probe()).role === 'replica');
  });

  test('the postmaster frozen alone while probes over the held session pass: told all the same', async () => {
    const driver = driverFor(pair.standby.port, { timeoutMs: hastyMs });
    await waitFor('the held session', eventuallyMs, async () => {
      await driver.probe();
      return (await sessions(pair.standby)) === 1;
    });
    const told: unknown[] = [];
    driver.onAlarm((seen) => told.push(seen));
    const postmaster = pair.standby.pid();
    process.kill(postmaster, 'SIGSTOP');
    try {
      await waitFor('the alarm', eventuallyMs, async () => {
        await driver.probe();
        return told.length > 0;
      });
      expect(told[0]).toMatchObject({ result: { kind: 'critical', trouble: { kind: 'no-answer' } } });
      // The alarm stands until a log-in refutes it.
      expect(await driver.probe(0.5)).toMatchObject({ kind: 'critical', trouble: { kind: 'no-answer' } });
    } finally {
      process.kill(postmaster, 'SIGCONT');
    }
    await waitFor('its return', eventuallyMs, async () => (await driver.probe()).kind === 'passing');
  });

  test('stopped: refused; starting: its own words or refused, until it serves', async () => {
    const driver = driverFor(pair.standby.port);
    await driver.probe();
    await pair.standby.stop();
    expect(await driver.probe()).toEqual({ kind: 'critical', trouble: { kind: 'refused' } });
    const starting = pair.standby.start();
    const seen = new Set<string>();
    await waitFor('its return', eventuallyMs, async () => {
      const result = await driver.probe();
      if (result.kind === 'critical') seen.add(result.trouble.kind);
      return result.kind === 'passing';
    });
    await starting;
    expect([...seen].every((kind) => ['refused', 'not-accepting', 'closed'].includes(kind))).toBe(true);
  });

  test('57P03 is told in its own words', async () => {
    const { port, close } = await tcpServer((socket) =>
      socket.once('data', () => socket.end(fatal('57P03', 'the database system is starting up'))),
    );
    expect(await driverFor(port).probe()).toEqual({
      kind: 'critical',
      trouble: { kind: 'not-accepting', text: 'the database system is starting up' },
    });
    close();
  });

  test('while all is well it logs in from time to time only', async () => {
    const driver = driverFor(pair.primary.port);
    const mayLogIn = (may: boolean) =>
      pair.primary.administer([`ALTER ROLE ${agentRole.user} ${may ? 'LOGIN' : 'NOLOGIN'}`]);
    try {
      await waitFor('a probe without a log-in, which writes', eventuallyMs, async () => {
        await mayLogIn(true);
        await driver.probe();
        await mayLogIn(false);
        const before = String((await heartbeat())?.[0]);
        const { kind } = await driver.probe();
        return kind === 'passing' && String((await heartbeat())?.[0]) !== before;
      });
      await waitFor('the log-in to be tried', eventuallyMs, async () => {
        const result = await driver.probe();
        return result.kind === 'unknown' && result.obstacle.kind === 'login-refused';
      });
    } finally {
      await mayLogIn(true);
    }
    expect((await driver.probe()).kind).toBe('passing');
  });

  test('the held session alone hangs: one miss, and the log-in after it passes', async () => {
    const driver = driverFor(pair.primary.port, { timeoutMs: hastyMs });
    const held = async () => {
      const [row] = await pair.primary.query(
        `SELECT min(pid) FROM pg_stat_activity WHERE usename = '${agentRole.user}'`,
      );
      return row?.[0] as number | null;
    };
    await waitFor('the held session', eventuallyMs, async () => {
      await driver.probe();
      return (await sessions(pair.primary)) === 1;
    });
    const backend = (await held())!;
    process.kill(backend, 'SIGSTOP');
    try {
      const missed = { kind: 'critical', trouble: { kind: 'no-answer', deadlineMs: hastyMs } };
      // A log-in may just have been due: it passes.
      await waitFor('the miss', eventuallyMs, async () => isDeepStrictEqual(await driver.probe(), missed));
      expect((await driver.probe(0.5)).kind).toBe('passing');
    } finally {
      process.kill(backend, 'SIGCONT');
    }
  });

  test('probes leave no sessions behind', async () => {
    const driver = driverFor(pair.primary.port);
    for (let probe = 0; probe < 10; probe++) await driver.probe();
    await waitFor('only the held session', eventuallyMs, async () => (await sessions(pair.primary)) === 1);
    await driver.close();
    await waitFor('none', eventuallyMs, async () => (await sessions(pair.primary)) === 0);
  });

  test('max_connections raised on the primary alone: the replica serves, and warns that it applies nothing', async () => {
    const driver = driverFor(pair.standby.port);
    const [row] = await pair.primary.query('SHOW max_connections');
    const more = Number(row?.[0]) + 1;
    await pair.primary.query(`ALTER SYSTEM SET max_connections = ${more}`);
    await pair.primary.stop();
    await pair.primary.start();
    await waitFor('the warning', eventuallyMs, async () => {
      const facts = factsOf(await driver.probe());
      const [warning] = facts.warnings;
      if (warning?.kind === 'replay-paused' && warning.state === 'paused') return true;
      throw new Error(JSON.stringify(facts));
    });
    appendFileSync(join(pair.standby.dataDir, 'postgresql.conf'), `max_connections = ${more}\n`);
    await pair.standby.stop();
    await pair.standby.start();
    await waitFor('its end', eventuallyMs, async () => {
      const { streaming, warnings } = factsOf(await driver.probe());
      return streaming && warnings.length === 0;
    });
  });

  test('promoted: the next probe sees a primary on a new timeline', async () => {
    const driver = driverFor(pair.standby.port);
    expect(factsOf(await driver.probe()).role).toBe('replica');
    await pair.standby.promote();
    expect(factsOf(await driver.probe())).toMatchObject({ role: 'primary', timeline: 2, warnings: [] });
  });
});

async function heartbeat(): Promise<unknown[] | undefined> {
  const client = new pg.Client({
    connectionString: pair.primary.url('postgres', 'postgres'),
  });
  await client.connect();
  try {
    const { rows } = await client.query<unknown[]>({
      text: "SELECT beat::text FROM hotspare.heartbeat WHERE box = 'pg1'",
      rowMode: 'array',
    });
    return rows[0];
  } finally {
    await client.end();
  }
}

async function takeEverySlot(server: RealPostgres): Promise<pg.Client[]> {
  const crowd: pg.Client[] = [];
  for (;;) {
    const client = new pg.Client({ connectionString: server.url('app') });
    client.on('error', () => {});
    try {
      await client.connect();
      crowd.push(client);
    } catch (error) {
      if ((error as { code?: string }).code === '53300') return crowd;
      throw error;
    }
  }
}

async function tcpServer(behave: (socket: Socket) => void): Promise<{ port: number; close(): void }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as { port: number }).port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** An ErrorResponse as Postgres sends it. */
function fatal(code: string, message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}
