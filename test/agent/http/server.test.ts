import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { isFromHere } from '../../../agent/http/crowd.js';
import { serveAgent } from '../../../agent/http/server.js';
import { agentStatus } from '../../../agent/shell/status.js';
import { noFailover } from '../../fakes/no-failover.js';
import { freePorts } from '../../support/ports.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { facts } from '../builders.js';
import type { ServiceControl } from '../../../agent/ports.js';

const status = agentStatus({
  box: 'pg1',
  version: '1.2.3',
  startedMs: 0,
  services: [
    {
      name: 'pg',
      kind: 'postgres',
      address: '127.0.11.11',
      port: 5432,
      health: {
        kind: 'passing',
        facts: facts('replica', { lsn: '0/3000060', lagBytes: 7, timeline: 2, streaming: true }),
        sinceMs: 1_000,
      },
    },
    { name: 'web', kind: 'http', address: 'a', port: 1, health: { kind: 'unseen', remembered: undefined } },
  ],
  link: { kind: 'unreachable', sinceMs: 2_000, why: 'gone' },
  complaint: 'gone',
});

const control: ServiceControl = {
  slots: () => new Map(),
  perform: async () => ({ kind: 'failed', late: false, why: 'nothing can be done here' }),
  refused: () => {},
};
const served = {
  status: () => status,
  control,
  leave: async () => ({ kind: 'done', left: ['pg'] }) as const,
  failover: noFailover,
};

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve(more: { isOwn?: () => boolean } = {}) {
  const [port] = (await freePorts(1)) as [number];
  open.push(await serveAgent({ host: '127.0.0.1', port }, { ...served, ...more }));
  return { port, url: `http://127.0.0.1:${port}` };
}

test('the status as JSON and as text', async () => {
  const { url } = await serve();
  const response = await fetch(`${url}/v1/status`);
  expect(response.headers.get('content-type')).toBe('application/json');
  expect(await response.json()).toEqual({
    box: 'pg1',
    version: '1.2.3',
    startedAt: '1970-01-01T00:00:00.000Z',
    services: [
      {
        name: 'pg',
        kind: 'postgres',
        address: '127.0.11.11',
        port: 5432,
        state: 'passing',
        role: 'replica',
        since: '1970-01-01T00:00:01.000Z',
        detail: 'serving as replica',
        lsn: '0/3000060',
        lagBytes: 7,
        timeline: 2,
        streaming: true,
      },
      {
        name: 'web',
        kind: 'http',
        address: 'a',
        port: 1,
        state: 'unknown',
        since: '1970-01-01T00:00:00.000Z',
        detail: 'not probed yet',
      },
    ],
    consul: { reachable: false, since: '1970-01-01T00:00:02.000Z', detail: 'gone' },
  });
  expect(await (await fetch(url)).text()).toContain('pg (replica): passing since');
});

test.each([
  ['GET', '/v2/status', 404],
  ['POST', '/v1/status', 405],
  ['DELETE', '/', 405],
  ['GET', '/v1/status?pretty', 200],
  ['HEAD', '/v1/status', 200],
])('%s %s is %i', async (method, path, code) => {
  const { url } = await serve();
  expect((await fetch(url + path, { method })).status).toBe(code);
});

test('garbage is hung up on, and the next caller is served', async () => {
  const { port, url } = await serve();
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await new Promise((resolve) => socket.on('close', resolve).write('\x16\x03\x01garbage\r\n\r\n'));
  expect((await fetch(url)).status).toBe(200);
});

/** So many connections without a complete header; `ends`: when each was hung up on, ms after all were there. */
async function crowd(port: number, size: number, sent = '') {
  const ends: number[] = [];
  let sinceMs = 0;
  const sockets = Array.from({ length: size }, () => connect(port, '127.0.0.1'));
  for (const socket of sockets) {
    socket.write(sent);
    socket.on('error', () => {});
    socket.on('close', () => ends.push(performance.now() - sinceMs));
  }
  await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.on('connect', resolve))));
  sinceMs = performance.now();
  return ends;
}

test.each(['', 'GET / HTTP/1.1\r\nHost: a\r\n'])(
  'a crowd of this box that says %j locks out nothing, and is gone soon',
  async (sent) => {
    const { port, url } = await serve();
    const ends = await crowd(port, 150, sent);
    expect((await fetch(url)).status).toBe(200);
    // The default of Node is half a minute.
    await waitFor('all to be hung up on', 20_000, () => ends.length === 150);
    expect((await fetch(url)).status).toBe(200);
  },
);

test('a crowd of strangers is limited, and locks others out for no longer than it may stay', async () => {
  const { port, url } = await serve({ isOwn: () => false });
  const ends = await crowd(port, 101);
  await waitFor('the one too many to go', eventuallyMs, () => ends.length > 0);
  await waitFor('the others to go', 20_000, () => ends.length === 101);
  expect((await fetch(url)).status).toBe(200);
});

test.each<[string, string, boolean]>([
  ['127.0.0.1', '127.0.11.11', true],
  ['::ffff:127.0.11.5', '::ffff:127.0.11.11', true],
  ['::1', '::1', true],
  ['192.168.11.11', '192.168.11.11', true],
  ['10.0.0.7', '192.168.11.11', true],
  ['::ffff:10.0.0.7', '::ffff:192.168.11.11', true],
  ['192.168.11.12', '192.168.11.11', false],
  ['fe80::1', 'fe80::2', false],
])('from %s at %s: the box itself: %s', (remoteAddress, localAddress, isOwn) => {
  expect(isFromHere({ remoteAddress, localAddress }, ['192.168.11.11', '10.0.0.7'])).toBe(isOwn);
});

test('a taken port is named', async () => {
  const { port } = await serve();
  await expect(serveAgent({ host: '127.0.0.1', port }, served)).rejects.toThrow(
    `another program listens at 127.0.0.1:${port}; stop it or change http.port`,
  );
});

test('a foreign address is named', async () => {
  await expect(serveAgent({ host: '192.0.2.1', port: 1234 }, served)).rejects.toThrow(
    'this machine has no address 192.0.2.1; change http.host',
  );
});
