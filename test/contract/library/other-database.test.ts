import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Role, Target } from '../../../common/names.js';
import { Pool, ReadOnlyError, type PoolConfig } from '../../../sidecar/index.js';
import { FakeDns, reply, type Behaviour } from '../../fakes/dns-server.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs, patient } from '../../support/patience.js';
import { startPostgresPair, type PostgresPair, type RealPostgres } from '../../support/postgres.js';
import { waitFor } from '../../support/wait.js';

/** Two databases of one service, each a primary and a replica: `blue` is the app's, `green` another. In order. */
let blue: PostgresPair;
let green: PostgresPair;
let consul: RealConsul;
let dns: FakeDns;
const pools: Pool[] = [];
const folder = mkdtempSync(join(tmpdir(), 'hotspare-other-'));
const systemId: Record<string, string> = {};
beforeAll(async () => {
  [blue, green, consul, dns] = await Promise.all([
    startPostgresPair(),
    startPostgresPair(),
    startConsul(),
    FakeDns.start(),
  ]);
  for (const [name, { primary, standby }] of Object.entries({ blue, green })) {
    await primary.query('CREATE TABLE notes (text text)');
    await primary.query('GRANT ALL ON notes TO app');
    const [row] = await standby.query('SELECT system_identifier::text FROM pg_control_system()');
    systemId[name] = String(row![0]);
  }
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.end()));
});
afterAll(async () => {
  await Promise.all([blue?.destroy(), green?.destroy(), consul?.destroy(), dns?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

const at = ({ host, port }: Target) => ({ host, port });
function open(hotspare: PoolConfig['hotspare']): Pool {
  const login = { user: 'app', password: 'app', database: 'app', warmSpare: false };
  const pool = new Pool({ ...login, hotspare: { ...patient, ...hotspare } });
  pools.push(pool);
  return pool;
}
const byDns = (own: PoolConfig['hotspare'] = {}) =>
  open({
    dns: at({ host: '127.0.0.1', port: dns.port }),
    http: false,
    cacheFile: false,
    refreshMs: 200,
    ...own,
  });
const byConsul = (own: PoolConfig['hotspare'] = {}) =>
  open({
    dns: { host: consul.host, port: consul.dnsPort },
    http: { url: consul.httpUrl },
    cacheFile: false,
    ...own,
  });

/** What our DNS server answers from now on. */
const names =
  (primaries: readonly RealPostgres[], replicas: readonly RealPostgres[]): Behaviour =>
  (query, send) => {
    const role = query.questions[0]!.name.startsWith('replica') ? replicas : primaries;
    const records = role.map(({ port, host }) => [`p${port}.node.consul`, port, host] as const);
    send(
      reply(
        query,
        query.questions[0]!.name.startsWith('master') || role.length === 0 ? { rcode: 3 } : { srv: records },
      ),
    );
  };

const seen = (pool: Pool, { port }: Target) => pool.topology.members.find((one) => one.port === port)?.state;
const write = (pool: Pool, text: string) => pool.query('INSERT INTO notes VALUES ($1)', [text]);
const count = async (server: RealPostgres, text: string) =>
  (await server.query('SELECT 1 FROM notes WHERE text = $1', [text])).length;
const port = async (pool: Pick<Pool, 'query'>) =>
  Number((await pool.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port);

/** The primary of ours goes for a while and comes back, while writes are tried all the time. */
async function restartUnderWrites(pool: Pool, text: string): Promise<void> {
  let done = false;
  const refusals: unknown[] = [];
  const writing = (async () => {
    while (!done) {
      await write(pool, text).catch((error: unknown) => refusals.push(error));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  })();
  await blue.primary.stop();
  await pool.waitForMode('read-only', eventuallyMs);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await blue.primary.start();
  await pool.waitForMode('read-write', eventuallyMs);
  await write(pool, text);
  done = true;
  await writing;
  expect(refusals.some((error) => error instanceof ReadOnlyError)).toBe(true);
  expect(await count(green.primary, text)).toBe(0);
  expect(await count(blue.primary, text)).toBeGreaterThan(0);
  expect(pool.topology.primary).toEqual(at(blue.primary));
}

describe('a primary of another database', () => {
  test('among the hosts: not one write goes there, while ours is gone and after', async () => {
    await green.primary.stop();
    const pool = open({ hosts: [blue.primary, blue.standby, green.primary].map(at) });
    await write(pool, 'static');
    await green.primary.start();
    await waitFor('it to be seen', eventuallyMs, () => seen(pool, green.primary) === 'foreign');
    await restartUnderWrites(pool, 'static');
    expect(seen(pool, green.primary)).toBe('foreign');
    expect(seen(pool, blue.standby)).toBe('proven');
    expect(await port(pool.read)).toBe(blue.standby.port);
  });

  test('listed as a replica for a while, and then no more: the same', async () => {
    dns.behaviour = names([blue.primary], [blue.standby]);
    const pool = byDns();
    await write(pool, 'listed');
    dns.behaviour = names([blue.primary], [blue.standby, green.primary]);
    await waitFor('it to be seen', eventuallyMs, () => seen(pool, green.primary) === 'foreign');
    dns.behaviour = names([blue.primary], [blue.standby]);
    await restartUnderWrites(pool, 'listed');
    expect(await port(pool.read)).toBe(blue.standby.port);
  });

  test('both prove themselves before there was a session: down, and it says why; with systemId it is clear', async () => {
    const hosts = [blue.primary, green.primary].map(at);
    const pool = open({ hosts });
    pool.on('mode', () => {});
    const both = `members of 2 databases are found (system identifiers ${Object.values(systemId).sort().join(', ')})`;
    await waitFor('both', eventuallyMs, () => pool.modeReason.startsWith(both));
    expect(pool.mode).toBe('down');
    const clear = open({ hosts, systemId: systemId['green']! });
    expect(await port(clear)).toBe(green.primary.port);
  });
});

test('a replica of another database: pool.read is never served there, be it the only one', async () => {
  for (const replicas of [[green.standby], [green.standby, blue.standby]]) {
    dns.behaviour = names([blue.primary], replicas);
    const pool = byDns();
    const ours = [blue.primary.port, blue.standby.port];
    for (let i = 0; i < 10; i++) expect(ours).toContain(await port(pool.read));
    await waitFor('it to be seen', eventuallyMs, () => seen(pool, green.standby) === 'foreign');
    for (let i = 0; i < 10; i++) expect(ours).toContain(await port(pool.read));
  }
});

describe('the catalogue names another database', () => {
  const register = (ID: string, role: Role, server: RealPostgres) =>
    consulApi(`register`, { ID, Name: 'pg', Tags: [role], Address: server.host, Port: server.port });
  async function consulApi(path: string, body?: object): Promise<void> {
    const { status } = await fetch(`${consul.httpUrl}/v1/agent/service/${path}`, {
      method: 'PUT',
      ...(body && { body: JSON.stringify(body) }),
    });
    expect(status).toBe(200);
  }

  test('by DNS alone: it stays, and the reason says what is seen and what to do', async () => {
    dns.behaviour = names([blue.primary], [blue.standby]);
    const pool = byDns();
    await write(pool, 'by DNS');
    dns.behaviour = names([green.primary], [green.standby]);
    await waitFor('it to be seen', eventuallyMs, () => seen(pool, green.primary) === 'foreign');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    await write(pool, 'by DNS');
    expect([await count(blue.primary, 'by DNS'), await count(green.primary, 'by DNS')]).toEqual([2, 0]);
    expect(pool.modeReason).toMatch(
      /is the primary of another database .*: to use that database, set hotspare.systemId to \d+ and restart/,
    );
  });

  test("by Consul's HTTP API, for three seconds: it moves as a whole, says so, and starts there from then on", async () => {
    await register('blue1', 'primary', blue.primary);
    await register('blue2', 'replica', blue.standby);
    const cacheFile = join(folder, 'pg.json');
    const pool = byConsul({ cacheFile });
    const final = byConsul({ systemId: systemId['blue']! });
    await write(pool, 'before');
    await write(final, 'before');
    await waitFor('the replica', eventuallyMs, () => seen(pool, blue.standby) === 'proven');
    const token = await pool.readToken();
    const held = await pool.connect();
    const heard: [mode: string, previous: string, reason: string][] = [];
    pool.on('mode', (mode, { previous, reason }) => heard.push([mode, previous, reason]));
    await Promise.all([consulApi('deregister/blue1'), consulApi('deregister/blue2')]);
    await register('green1', 'primary', green.primary);
    await register('green2', 'replica', green.standby);
    const startedMs = performance.now();
    await waitFor('the move', eventuallyMs, () => heard.length > 0);
    expect(performance.now() - startedMs).toBeGreaterThan(2_900);
    const reason = `moved to the database with system identifier ${systemId['green']} (before: ${systemId['blue']})`;
    expect(heard).toEqual([['read-write', 'read-write', expect.stringContaining(reason)]]);
    held.release();
    await write(pool, 'after');
    expect([await count(blue.primary, 'after'), await count(green.primary, 'after')]).toEqual([0, 1]);
    await waitFor('the replica', eventuallyMs, () => pool.topology.readFrom[0]?.port === green.standby.port);
    expect(await port(pool.read)).toBe(green.standby.port);
    expect(await port(pool.readAfter(token))).toBe(green.primary.port);
    await waitFor('only the other pool to be left behind', eventuallyMs, async () => {
      const sessions = "SELECT 1 FROM pg_stat_activity WHERE application_name = '' AND usename = 'app'";
      return (await blue.primary.query(sessions)).length === 1;
    });
    await write(final, 'final');
    expect([await count(blue.primary, 'final'), await count(green.primary, 'final')]).toEqual([1, 0]);
    await waitFor('the file', eventuallyMs, () =>
      readFileSync(cacheFile, 'utf8').includes(systemId['green']!),
    );
    // Both are listed now: a process that starts belongs where the one before it did.
    await register('blue1', 'primary', blue.primary);
    const next = byConsul({ cacheFile });
    expect(await port(next)).toBe(green.primary.port);
    await waitFor('ours of yesterday', eventuallyMs, () => seen(next, blue.primary) === 'foreign');
  });
});

test('a hostile DNS: late, forged, garbage, another database, yesterday’s primary: not one write goes astray', async () => {
  const honest = names([blue.primary], [blue.standby]);
  const hostile = names([green.primary], [green.standby, green.primary]);
  dns.behaviour = honest;
  const pool = byDns({ dnsTimeoutMs: 150 });
  await write(pool, 'hostile');
  const behaviours: [string, Behaviour][] = [
    ['late', (query, send, from) => void setTimeout(() => hostile(query, send, from), 400)],
    [
      'cut',
      (query, send, from) => hostile(query, (bytes) => send(bytes.subarray(0, bytes.length / 2)), from),
    ],
    ['marked as cut', (query, send) => send(reply(query, { tc: true }))],
    [
      'forged id',
      (query, send) =>
        send(reply(query, { id: query.header.id ^ 1, srv: [['x.', green.primary.port, '127.0.0.1']] })),
    ],
    ['garbage', (_query, send) => send(Buffer.from('not an answer'))],
    ['nobody', (query, send) => send(reply(query, { rcode: 3 }))],
    ['another database', hostile],
    ['silence', () => {}],
  ];
  for (const [, behaviour] of behaviours) {
    dns.behaviour = behaviour;
    for (let i = 0; i < 8; i++) {
      await write(pool, 'hostile');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  expect(pool.mode).toBe('read-write');
  expect([await count(blue.primary, 'hostile'), await count(green.primary, 'hostile')]).toEqual([65, 0]);

  // Ours is promoted, and yesterday's primary comes back as if nothing had happened.
  blue.primary.kill();
  await pool.waitForMode('read-only', eventuallyMs);
  await blue.standby.promote();
  await pool.waitForMode('read-write', eventuallyMs);
  await blue.primary.start();
  dns.behaviour = names([blue.primary, green.primary], [green.standby]);
  await waitFor('three primaries', eventuallyMs, () => {
    const primary = pool.topology.members.find((one) => one.port === blue.primary.port);
    return primary?.role === 'primary' && seen(pool, green.primary) === 'foreign';
  });
  for (let i = 0; i < 20; i++) await write(pool, 'promoted');
  const counts = [blue.standby, blue.primary, green.primary].map((server) => count(server, 'promoted'));
  expect(await Promise.all(counts)).toEqual([20, 0, 0]);
});
