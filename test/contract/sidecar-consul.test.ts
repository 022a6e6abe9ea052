import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Role, Target } from '../../common/names.js';
import { systemClock, systemRandom } from '../../common/runtime/clock.js';
import { Secret } from '../../common/secret.js';
import { ConsulWakeUps } from '../../sidecar/consul/wake-ups.js';
import { Client, DownError, Pool, Resolver, type Mode } from '../../sidecar/index.js';
import { DnsDirectory } from '../../sidecar/dns/directory.js';
import { FakeDns, reply } from '../fakes/dns-server.js';
import { startConsul, type RealConsul } from '../support/consul.js';
import { eventuallyMs, patient } from '../support/patience.js';
import { freePorts } from '../support/ports.js';
import { startPostgresPair, type PostgresPair } from '../support/postgres.js';
import { waitFor } from '../support/wait.js';

const token = { current: '' };
let consul: RealConsul;
const folder = mkdtempSync(join(tmpdir(), 'hotspare-sidecar-'));
const closing: (() => unknown)[] = [];

beforeAll(async () => {
  consul = await startConsul({ acl: true });
  token.current = consul.managementToken!;
  await allowDns();
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});
afterAll(async () => {
  await consul?.destroy();
  rmSync(folder, { recursive: true, force: true });
});

async function api(method: string, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`${consul.httpUrl}/v1/${path}`, {
    method,
    headers: { 'X-Consul-Token': token.current },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

/** DNS carries no token: it speaks for the anonymous one. */
async function allowDns(): Promise<void> {
  const Rules = 'node_prefix "" { policy = "read" } service_prefix "" { policy = "read" }';
  await api('PUT', 'acl/policy', { Name: 'dns', Rules });
  await api('PUT', 'acl/token/00000000-0000-0000-0000-000000000002', {
    AccessorID: '00000000-0000-0000-0000-000000000002',
    Policies: [{ Name: 'dns' }],
  });
}

const register = (service: string, ID: string, role: Role, { host, port }: Target) =>
  api('PUT', 'agent/service/register', { ID, Name: service, Tags: [role], Address: host, Port: port });
const deregister = (ID: string) => api('PUT', `agent/service/deregister/${ID}`);

/** A Consul that is there may take its time to answer; how long one that is away is waited for is told by each test. */
const answered = { dnsTimeoutMs: 10_000 };
const options = (service: string, own = {}) => ({
  service,
  dns: { host: consul.host, port: consul.dnsPort },
  http: { url: consul.httpUrl, token: token.current },
  cacheFile: false as const,
  ...patient,
  ...answered,
  ...own,
});
const resolverOf = (service: string, own = {}) => {
  const resolver = new Resolver(options(service, own));
  closing.push(() => resolver.close());
  return resolver;
};

/** Whoever answers as the directory, these must hold: the real Consul, and the fake of the DNS tests. */
interface Catalogue {
  readonly server: Target;
  set(role: Role, targets: readonly Target[]): Promise<void>;
  stop(): Promise<void>;
}

const catalogues: [string, () => Promise<Catalogue>][] = [
  [
    'Consul',
    async () => ({
      server: { host: consul.host, port: consul.dnsPort },
      async set(role, targets) {
        for (let i = 0; i < 12; i++) await deregister(`contract-${role}-${i}`).catch(() => {});
        for (const [i, target] of targets.entries())
          await register('contract', `contract-${role}-${i}`, role, target);
        await waitFor('the catalogue to follow', eventuallyMs, async () => {
          const listed = (await api('GET', `health/service/contract?passing&tag=${role}`)) as unknown[];
          return listed.length === targets.length;
        });
      },
      stop: async () => {},
    }),
  ],
  [
    'the fake',
    async () => {
      const fake = await FakeDns.start();
      const listed: Partial<Record<string, readonly Target[]>> = {};
      fake.behaviour = (query, send, from) => {
        const targets = listed[query.questions[0]!.name.split('.')[0]!] ?? [];
        const srv = targets.map(({ host, port }, i) => [`n${i}.consul`, port, host] as const);
        // Cut as Consul cuts it: what does not fit into one datagram.
        const cut = from !== null && targets.length > 6;
        send(reply(query, targets.length === 0 ? { rcode: 3 } : cut ? { tc: true } : { srv }));
      };
      return {
        server: { host: '127.0.0.1', port: fake.port },
        set: async (role, targets) => void (listed[role] = targets),
        stop: () => fake.stop(),
      };
    },
  ],
];

describe.each(catalogues)('the directory, told by %s', (_, start) => {
  let catalogue: Catalogue;
  let directory: DnsDirectory;
  beforeAll(async () => {
    catalogue = await start();
    directory = new DnsDirectory({
      server: catalogue.server,
      service: 'contract',
      domain: 'consul',
      timeoutMs: answered.dnsTimeoutMs,
      clock: systemClock,
    });
  });
  afterAll(() => catalogue.stop());

  test('nobody', async () => {
    await catalogue.set('primary', []);
    expect(await directory.lookup('primary')).toEqual({ kind: 'empty' });
  });
  test('one', async () => {
    const target = { host: '10.0.0.1', port: 5432 };
    await catalogue.set('primary', [target]);
    expect(await directory.lookup('primary')).toEqual({ kind: 'found', targets: [target] });
  });
  test('more than Consul puts into a short UDP answer', async () => {
    const targets = Array.from({ length: 9 }, (_, i) => ({ host: `10.0.1.${i + 1}`, port: 5432 }));
    await catalogue.set('replica', targets);
    expect(await directory.lookup('replica')).toEqual({ kind: 'found', targets });
    await catalogue.set('replica', []);
  });
});

describe('wake-ups', () => {
  const wakeUps = (url: string, own: Partial<ConstructorParameters<typeof ConsulWakeUps>[0]> = {}) => {
    const stop = new AbortController();
    closing.push(() => stop.abort());
    let woken = 0;
    new ConsulWakeUps({
      url,
      token: new Secret(token.current),
      tokenFile: null,
      service: 'woken',
      clock: systemClock,
      random: systemRandom,
      ...own,
    }).start(() => (woken += 1), stop.signal);
    return () => woken;
  };

  test('once at the start, and at each change within moments', async () => {
    const woken = wakeUps(consul.httpUrl);
    await waitFor('the first', eventuallyMs, () => woken() >= 1);
    for (const change of [
      () => register('woken', 'w1', 'primary', { host: '10.0.0.1', port: 1 }),
      () => deregister('w1'),
    ]) {
      const before = woken();
      await change();
      await waitFor('the change', eventuallyMs, () => woken() > before, 2);
    }
  });

  test('an index that runs away is rate limited; one that resets starts over; errors back off', async () => {
    const asked: { index: string; atMs: number }[] = [];
    let answer: (n: number) => { status?: number; index: string } = () => ({ index: '1' });
    const server: Server = createServer((request, response) => {
      const index = new URL(request.url!, 'http://x').searchParams.get('index') ?? '';
      asked.push({ index, atMs: performance.now() });
      const { status = 200, index: next } = answer(asked.length);
      response.writeHead(status, { 'X-Consul-Index': next, 'Content-Type': 'application/json' }).end('[]');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as { port: number };
    answer = (n) => ({ index: String(n * 10) });
    wakeUps(`http://127.0.0.1:${port}`);
    // On average: between two questions there is a tenth of a second, however busy the machine is.
    const gapMs = (from: number, to: number) => (asked[to]!.atMs - asked[from]!.atMs) / (to - from);
    await waitFor('six questions', eventuallyMs, () => asked.length >= 6);
    expect(gapMs(0, 5)).toBeGreaterThan(50);
    answer = () => ({ index: '3' });
    await waitFor('the reset', eventuallyMs, () => asked.slice(3).some(({ index }) => index === '0'));
    answer = () => ({ status: 500, index: '0' });
    // The first one may still have been answered well.
    const first = asked.length + 1;
    await waitFor('three errors', eventuallyMs, () => asked.length > first + 2);
    expect(gapMs(first, first + 2)).toBeGreaterThan(150);
  });

  test.each([200, 500])('an answer without end (%s) is given up, and asked for again', async (status) => {
    const chunk = Buffer.alloc(64 * 1024, ' ');
    const enoughBytes = 1_000 * chunk.length;
    const sentBytes: number[] = [];
    const server: Server = createServer((_, response) => {
      response.writeHead(status, { 'X-Consul-Index': '5', 'Content-Type': 'application/json' });
      let sent = 0;
      const send = () => {
        while (sent < enoughBytes && !response.destroyed) {
          sent += chunk.length;
          if (!response.write(chunk)) return;
        }
        response.end();
      };
      response.on('drain', send).on('close', () => sentBytes.push(sent));
      send();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    });
    const { port } = server.address() as { port: number };
    const woken = wakeUps(`http://127.0.0.1:${port}`);
    await waitFor('two answers', eventuallyMs, () => sentBytes.length >= 2);
    expect(Math.max(...sentBytes)).toBeLessThan(enoughBytes);
    expect(woken()).toBe(0);
  });
});

describe('Resolver', () => {
  test('finds, follows changes, and tells "none" from "no answer"', async () => {
    await register('follow', 'f1', 'primary', { host: '10.0.0.1', port: 5432 });
    const resolver = resolverOf('follow');
    expect(resolver.topology).toMatchObject({ primary: null, replicas: [], source: null });
    expect(await resolver.primary()).toEqual({ host: '10.0.0.1', port: 5432 });
    expect(await resolver.replicas()).toEqual([]);
    const changes: unknown[] = [];
    resolver.on('change', (topology) => changes.push(topology));
    await register('follow', 'f2', 'replica', { host: '10.0.0.2', port: 5432 });
    await waitFor('the replica', eventuallyMs, () => resolver.topology.replicas.length === 1, 2);
    await deregister('f1');
    await waitFor('its end', eventuallyMs, () => resolver.topology.primary === null, 2);
    expect(changes.length).toBeGreaterThanOrEqual(2);
    await expect(resolver.primary()).rejects.toThrow(/no primary of follow is known: Consul lists none/);
    await deregister('f2');
  });

  test('one that is closed rejects', async () => {
    const resolver = resolverOf('follow');
    resolver.close();
    await expect(resolver.primary()).rejects.toBeInstanceOf(DownError);
  });

  test('starts from the last known good while Consul is away, and not from one of another Consul', async () => {
    const cacheFile = join(folder, 'known.json');
    await register('kept', 'k1', 'primary', { host: '10.0.0.1', port: 5432 });
    const first = resolverOf('kept', { cacheFile });
    await first.primary();
    await waitFor('the file', eventuallyMs, () => readFileSync(cacheFile, 'utf8').includes('10.0.0.1'));
    first.close();
    const [nobody] = await freePorts(1);
    const silent = { cacheFile, dnsTimeoutMs: 800 };
    const away = { ...silent, dns: { host: consul.host, port: nobody! }, http: false as const };
    const warnings: string[] = [];
    const stranger = resolverOf('kept', away);
    stranger.on('warning', (warning: Error) => warnings.push(warning.message));
    await expect(stranger.primary()).rejects.toBeInstanceOf(DownError);
    expect(warnings).toEqual([expect.stringMatching(/ignored/)]);
    await consul.stop();
    try {
      const resolver = resolverOf('kept', silent);
      expect(await resolver.primary()).toEqual({ host: '10.0.0.1', port: 5432 });
      expect(resolver.topology).toMatchObject({ source: 'cache' });
      await waitFor('the silence', eventuallyMs, () => !resolver.topology.reachable);
      expect(resolver.topology.primary).toEqual({ host: '10.0.0.1', port: 5432 });
    } finally {
      await consul.start();
    }
  });
});

describe('Pool through Consul', () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    pair = await startPostgresPair();
    await register('pg', 'pg1', 'primary', pair.primary);
    await register('pg', 'pg2', 'replica', pair.standby);
  });
  afterAll(() => pair?.destroy());

  const poolOf = (own = {}) => {
    const pool = new Pool({
      connectionString: 'postgres://app:app@pg.service.consul/app',
      hotspare: options('pg', own),
    });
    closing.push(() => (pool.ending ? undefined : pool.end()));
    return pool;
  };
  const port = async (pool: Pick<Pool, 'query'>) =>
    (await pool.query<{ port: number }>('SELECT inet_server_port() AS port')).rows[0]!.port;

  test('the name in the URL is enough', async () => {
    const pool = poolOf();
    expect(await port(pool)).toBe(pair.primary.port);
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    expect(await port(pool.read)).toBe(pair.standby.port);
  });

  test('several pools share one resolver', async () => {
    const resolver = resolverOf('pg');
    const pools = [1, 2].map(() => {
      const pool = new Pool({ user: 'app', password: 'app', database: 'app', hotspare: resolver });
      closing.unshift(() => pool.end());
      return pool;
    });
    expect(await Promise.all(pools.map(port))).toEqual([pair.primary.port, pair.primary.port]);
  });

  test('a catalogue that names the replica as primary is not believed', async () => {
    const resolver = resolverOf('wrong');
    await register('wrong', 'x1', 'primary', pair.standby);
    const pool = new Pool({ user: 'app', password: 'app', database: 'app', hotspare: resolver });
    closing.unshift(() => pool.end());
    expect(await port(pool)).toBe(pair.standby.port);
    expect(pool.mode).toBe('read-only');
    await expect(pool.query('CREATE TABLE x ()')).rejects.toMatchObject({ name: 'ReadOnlyError' });
    await register('wrong', 'x2', 'primary', pair.primary);
    await pool.waitForMode('read-write', eventuallyMs);
    expect(await port(pool)).toBe(pair.primary.port);
  });

  test('without Consul it stays read-write, an emptied catalogue changes nothing, and a new process starts', async () => {
    const cacheFile = join(folder, 'pool.json');
    const pool = poolOf({ cacheFile, dnsTimeoutMs: 800 });
    const modes: Mode[] = [];
    await pool.query('SELECT 1');
    await waitFor('the replica', eventuallyMs, () => pool.topology.replicas.length === 1);
    await waitFor('the file', eventuallyMs, () =>
      readFileSync(cacheFile, 'utf8').includes(String(pair.standby.port)),
    );
    pool.on('mode', (mode) => modes.push(mode));
    await deregister('pg1');
    await deregister('pg2');
    await new Promise((resolve) => setTimeout(resolve, 500));
    await pool.query('SELECT 1');
    await consul.stop();
    try {
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      expect(await port(pool)).toBe(pair.primary.port);
      const late = poolOf({ cacheFile, dnsTimeoutMs: 800 });
      expect(await port(late)).toBe(pair.primary.port);
    } finally {
      await consul.start();
    }
    // It may have a leader before it has read its tokens.
    await waitFor('Consul to know its tokens again', eventuallyMs, async () => {
      await register('pg', 'pg1', 'primary', pair.primary);
      await register('pg', 'pg2', 'replica', pair.standby);
      return true;
    });
    expect(modes).toEqual([]);
  });

  test("the primary's agent is stopped: an app that starts now is read-write at once, and forgets nobody", async () => {
    const cacheFile = join(folder, 'deregistered.json');
    const first = poolOf({ cacheFile });
    await first.query('SELECT 1');
    await waitFor('the file', eventuallyMs, () =>
      [pair.primary.port, pair.standby.port, 'systemId'].every((part) =>
        readFileSync(cacheFile, 'utf8').includes(`${part}`),
      ),
    );
    const before = readFileSync(cacheFile, 'utf8');
    const directory = new DnsDirectory({
      server: { host: consul.host, port: consul.dnsPort },
      service: 'pg',
      domain: 'consul',
      timeoutMs: answered.dnsTimeoutMs,
      clock: systemClock,
    });
    await deregister('pg1');
    try {
      await waitFor(
        'DNS to say so',
        eventuallyMs,
        async () => (await directory.lookup('primary')).kind === 'empty',
      );
      for (let round = 0; round < 10; round++) {
        const pool = poolOf({ cacheFile });
        const modes: Mode[] = [];
        pool.on('mode', (mode) => modes.push(mode));
        expect(await port(pool)).toBe(pair.primary.port);
        expect(modes).toEqual(['read-write']);
        await pool.end();
      }
      const client = new Client({
        connectionString: 'postgres://app:app@primary.pg.service.consul/app',
        hotspare: options('pg', { cacheFile }),
      });
      await client.connect();
      expect(await port(client)).toBe(pair.primary.port);
      await client.end();
      expect(readFileSync(cacheFile, 'utf8')).toBe(before);
    } finally {
      await register('pg', 'pg1', 'primary', pair.primary);
    }
  });
});
