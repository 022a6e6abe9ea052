import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ConsulAdapter } from '../../../agent/consul/adapter.js';
import type { Registration } from '../../../agent/core/model.js';
import type { ConsulError, ConsulPort, Kept } from '../../../agent/ports.js';
import { keptSecret } from '../../../agent/secrets/files.js';
import type { HealthEntry } from '../../../common/consul/json.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { Secret } from '../../../common/secret.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { kept } from '../../support/agent/kept.js';
import { waitFor } from '../../support/wait.js';

const clock = systemClock;
const random = systemRandom;
/** A Consul that answers may take its time. */
const adapter = (url: string, more: { token?: Kept<Secret>; tokenFile?: string; deadlineMs?: number } = {}) =>
  new ConsulAdapter({ url, deadlineMs: 15_000, watchWaitMs: 1_000, clock, random, ...more });
/** For those that do not answer. */
const hasty = { deadlineMs: 1_000 };

const registration: Registration = {
  id: 'pg@pg1',
  name: 'pg',
  address: '127.0.11.11',
  port: 5432,
  tags: ['replica'],
  meta: { 'hotspare-box': 'pg1' },
  checkTtlMs: 60_000,
  initialStatus: 'critical',
};

interface Subject {
  port(): ConsulPort;
  away(): Promise<void>;
  back(): Promise<void>;
  destroy(): Promise<void>;
}

let shared: RealConsul;
beforeAll(async () => {
  shared = await startConsul();
});
afterAll(() => shared?.destroy());

const subjects: Record<string, () => Promise<Subject>> = {
  'the fake': async () => {
    const consul = new FakeConsul();
    return {
      port: () => consul,
      away: async () => consul.stop(),
      back: async () => consul.start(),
      destroy: async () => {},
    };
  },
  'Consul itself': async () => {
    const consul = await startConsul();
    const port = adapter(consul.httpUrl);
    return {
      port: () => port,
      away: () => consul.stop(),
      back: () => consul.start(),
      destroy: async () => {
        port.close();
        await consul.destroy();
      },
    };
  },
};

const find = async (consul: ConsulPort) => (await consul.services()).find(({ id }) => id === 'pg@pg1');

function watch(consul: ConsulPort, service: string) {
  const stop = new AbortController();
  const seen: (readonly HealthEntry[])[] = [];
  const outages: ConsulError[] = [];
  const ended = consul.watchService(
    service,
    { onEntries: (entries) => seen.push(entries), onUnavailable: (why) => outages.push(why) },
    stop.signal,
  );
  return {
    seen,
    outages,
    stop,
    ended,
    ids: () => seen.at(-1)?.map(({ id }) => id),
    /** Of the entry itself; that of its node is not here with every implementation. */
    status: () => seen.at(-1)?.[0]?.checks.find(({ id }) => id === 'service:pg@pg1')?.status,
  };
}

describe.each(Object.entries(subjects))('%s', (_, make) => {
  let subject: Subject;
  beforeAll(async () => {
    subject = await make();
  });
  afterAll(() => subject?.destroy());

  test('registers, keeps the check across a registration, forgets', async () => {
    const consul = subject.port();
    await consul.register(registration);
    expect(await find(consul)).toEqual({
      id: 'pg@pg1',
      name: 'pg',
      address: '127.0.11.11',
      port: 5432,
      tags: ['replica'],
      meta: { 'hotspare-box': 'pg1' },
      check: { status: 'critical', text: '', refreshedMs: undefined },
    });
    await consul.updateCheck('pg@pg1', 'passing', 'well');
    await consul.register({ ...registration, tags: ['primary'] });
    expect(await find(consul)).toMatchObject({
      tags: ['primary'],
      check: { status: 'passing', text: 'well' },
    });
    await consul.updateCheck('pg@pg1', 'warning', 'so so');
    expect(await find(consul)).toMatchObject({ check: { status: 'warning', text: 'so so' } });
    await consul.deregister('pg@pg1');
    expect(await find(consul)).toBeUndefined();
  });

  test('a check it does not know is a no, a service it does not know is done', async () => {
    const consul = subject.port();
    await expect(consul.updateCheck('nobody@pg1', 'passing', 'x')).rejects.toMatchObject({ kind: 'failed' });
    await consul.deregister('nobody@pg1');
  });

  test('a watch tells what is there and how it is, empty included, through an outage, until it is stopped', async () => {
    const consul = subject.port();
    const watched = watch(consul, 'pg');
    await waitFor('the empty answer', eventuallyMs, () => watched.seen.length > 0);
    expect(watched.seen).toEqual([[]]);
    await consul.register(registration);
    await consul.updateCheck('pg@pg1', 'passing', 'well');
    await waitFor('the instance', eventuallyMs, () => watched.status() === 'passing');
    expect(watched.ids()).toEqual(['pg@pg1']);
    expect(watched.seen.at(-1)?.[0]).toMatchObject({ address: '127.0.11.11', port: 5432, tags: ['replica'] });
    await consul.updateCheck('pg@pg1', 'critical', 'gone');
    await waitFor('its trouble', eventuallyMs, () => watched.status() === 'critical');
    await consul.deregister('pg@pg1');
    await waitFor('its end', eventuallyMs, () => watched.ids()?.length === 0);
    const before = watched.seen.length;
    await subject.away();
    await waitFor('the outage', eventuallyMs, () => watched.outages.length > 0);
    expect(watched.seen.length).toBe(before);
    await expect(consul.services()).rejects.toMatchObject({ kind: 'refused' });
    await subject.back();
    await waitFor('an answer after it', eventuallyMs, () => watched.seen.length > before);
    expect(watched.outages).toHaveLength(1);
    watched.stop.abort();
    await watched.ended;
  });
});

describe('a Consul with faults', () => {
  const open: { close(): unknown }[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });

  const served = async (server: Server) => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push({
      close: () => {
        server.close();
        server.closeAllConnections();
      },
    });
    const consul = adapter(`http://127.0.0.1:${(server.address() as { port: number }).port}`, hasty);
    open.push(consul);
    return consul;
  };

  test('nobody there: a sentence with the address', async () => {
    const [port] = await freePorts(1);
    await expect(adapter(`http://127.0.0.1:${port}`).services()).rejects.toThrow(
      `Consul at http://127.0.0.1:${port} is not reachable (connection refused)`,
    );
  });

  test('frozen: given up on after the deadline, and fine after the thaw', async () => {
    const consul = adapter(shared.httpUrl, hasty);
    // However long that takes: only the silence is timed.
    open.push(consul);
    await waitFor('an answer', eventuallyMs, () => consul.services());
    shared.freeze();
    try {
      await expect(consul.services()).rejects.toMatchObject({
        kind: 'late',
        message: expect.stringContaining('does not answer (no answer within 1000 ms)') as string,
      });
    } finally {
      shared.thaw();
    }
    await waitFor('an answer', eventuallyMs, async () => (await consul.services()).length >= 0);
  });

  test('frozen under a watch: an outage, not an empty list', async () => {
    const consul = await served(createServer(() => {}));
    const watched = watch(consul, 'pg');
    await waitFor('the outage', eventuallyMs, () => watched.outages.length > 0);
    watched.stop.abort();
    await watched.ended;
    expect(watched.seen).toEqual([]);
  });

  test.each<[string, ConsulError['kind'], (server: Server) => Server]>([
    [
      'another web server',
      'garbage',
      (server: Server) => server.on('request', (_, response) => response.end('hello')),
    ],
    [
      'one that hangs up',
      'cut-off',
      (server: Server) => server.on('request', (request) => request.socket.destroy()),
    ],
    [
      'half an answer',
      'cut-off',
      (server: Server) =>
        server.on('request', (request, response) => {
          response.writeHead(200, { 'content-length': 100, 'content-type': 'application/json' }).write('{');
          setTimeout(() => request.socket.destroy(), 20);
        }),
    ],
    [
      'JSON of another shape',
      'garbage',
      (server: Server) =>
        server.on('request', (_, response) =>
          response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":{"ID":7}}'),
        ),
    ],
  ])('%s is not Consul: %s', async (_, kind, attach) => {
    const consul = await served(attach(createServer()));
    await expect(consul.services()).rejects.toMatchObject({ kind });
    const watched = watch(consul, 'pg');
    await waitFor('the outage', eventuallyMs, () => watched.outages.length > 0);
    expect(watched.seen).toEqual([]);
    watched.stop.abort();
    await watched.ended;
  });

  test('something that is no web server', async () => {
    const server = createTcpServer((socket) => void socket.on('error', () => {}).end('SSH-2.0\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    const consul = adapter(`http://127.0.0.1:${(server.address() as { port: number }).port}`);
    await expect(consul.services()).rejects.toMatchObject({ kind: 'garbage' });
  });

  test('an index that always advances is asked for at most ten times a second', async () => {
    let index = 1;
    const askedMs: number[] = [];
    const consul = await served(
      createServer((_, response) => {
        askedMs.push(performance.now());
        response
          .writeHead(200, { 'content-type': 'application/json', 'x-consul-index': String(index++) })
          .end('[]');
      }),
    );
    const watched = watch(consul, 'pg');
    await waitFor('ten questions', eventuallyMs, () => askedMs.length >= 10);
    watched.stop.abort();
    await watched.ended;
    // The first may have been long on its way.
    expect(askedMs[9]! - askedMs[0]!).toBeGreaterThan(750);
  });

  test('an index that went back starts over', async () => {
    const asked: (string | null)[] = [];
    const consul = await served(
      createServer((request, response) => {
        asked.push(new URL(request.url ?? '', 'http://x').searchParams.get('index'));
        const index = asked.length === 1 ? '500' : '3';
        response.writeHead(200, { 'content-type': 'application/json', 'x-consul-index': index }).end('[]');
      }),
    );
    const watched = watch(consul, 'pg');
    await waitFor('three questions', eventuallyMs, () => asked.length >= 3);
    watched.stop.abort();
    await watched.ended;
    expect(asked.slice(0, 3)).toEqual(['0', '500', '0']);
  });
});

describe('access control', () => {
  let consul: RealConsul;
  beforeAll(async () => {
    consul = await startConsul({ acl: true });
  });
  afterAll(() => consul?.destroy());

  const secret = '5ef0f3a6-4c1b-4c8e-9a53-6d1c7b1f0000';
  const refusal = async (port: ConsulAdapter, call: (consul: ConsulPort) => Promise<unknown>) => {
    const error = await call(port).catch((thrown: unknown) => thrown);
    port.close();
    expect(error).toMatchObject({ kind: 'forbidden' });
    expect((error as Error).message).not.toContain('5ef0f3a6');
    return (error as Error).message;
  };
  const tokenFile = '/etc/hotspare/agent.token';

  test('a token that Consul does not know: its file is named, and it is not shown', async () => {
    const unknown = adapter(consul.httpUrl, { token: kept(new Secret(secret)), tokenFile });
    expect(await refusal(unknown, (port) => port.register(registration))).toContain(
      `it does not know the token in ${tokenFile}; put one there that it knows, with service:write for pg`,
    );
  });

  test('a token that was replaced: its file is read again, and the call is made with the new one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-token-'));
    const file = join(folder, 'token');
    try {
      const token = keptSecret(file, new Secret(secret), { clock, log: keptLog() });
      const port = adapter(consul.httpUrl, { token, tokenFile: file });
      writeFileSync(file, `${consul.managementToken}\r\n`);
      await port.register(registration);
      expect(await find(port)).toMatchObject({ tags: ['replica'] });
      port.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a token that is replaced after a refusal: it is found though nothing is asked', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-token-'));
    const file = join(folder, 'token');
    try {
      writeFileSync(file, secret);
      const token = keptSecret(file, new Secret(secret), { clock, log: keptLog() });
      const port = adapter(consul.httpUrl, { token, tokenFile: file });
      let told = 0;
      port.onNewToken(() => (told += 1));
      await expect(port.services()).rejects.toMatchObject({ kind: 'forbidden' });
      writeFileSync(file, consul.managementToken!);
      await waitFor('the new token', eventuallyMs, () => told === 1);
      expect(token.current().reveal()).toBe(consul.managementToken);
      expect(await port.services()).toBeDefined();
      port.close();
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test('a token without the right: the right that is needed is named', async () => {
    const manage = (path: string, body: object) =>
      fetch(`${consul.httpUrl}/v1/acl/${path}`, {
        method: 'PUT',
        headers: { 'x-consul-token': consul.managementToken! },
        body: JSON.stringify(body),
      });
    await manage('policy', { Name: 'nodes', Rules: 'node_prefix "" { policy = "read" }' });
    await manage('token', { SecretID: secret.replace('5ef0', '5ef1'), Policies: [{ Name: 'nodes' }] });
    const poor = () =>
      adapter(consul.httpUrl, { token: kept(new Secret(secret.replace('5ef0', '5ef1'))), tokenFile });
    expect(await refusal(poor(), (port) => port.register(registration))).toContain(
      `refused registering pg: the token in ${tokenFile} may not do that; give it service:write for pg`,
    );
    // It has nothing to show to such a token, which is no refusal.
    const port = poor();
    expect(await port.services()).toEqual([]);
    port.close();
  });

  test('a read that is refused asks for a right to read', async () => {
    const unknown = adapter(consul.httpUrl, { token: kept(new Secret(secret)), tokenFile });
    const said = await refusal(unknown, (port) => port.services());
    expect(said).toContain('with service:read and node:read');
    expect(said).not.toContain('write');
  });

  test('no token at all says so', async () => {
    const refused = adapter(consul.httpUrl);
    await expect(refused.register(registration)).rejects.toThrow(
      'the configuration names no consul.tokenFile',
    );
    refused.close();
  });

  test('a token that may is all it takes', async () => {
    const allowed = adapter(consul.httpUrl, { token: kept(new Secret(consul.managementToken!)) });
    await allowed.register(registration);
    expect(await find(allowed)).toMatchObject({ tags: ['replica'] });
    allowed.close();
  });
});
