import { connect } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { serveAgent } from '../../../agent/http/server.js';
import { agentStatus } from '../../../agent/shell/status.js';
import { freePorts } from '../../support/ports.js';
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
      state: {
        kind: 'passing',
        facts: facts('replica', { lsn: '0/3000060', lagBytes: 7, timeline: 2, streaming: true }),
        sinceMs: 1_000,
      },
    },
    { name: 'web', kind: 'http', address: 'a', port: 1, state: { kind: 'unseen', remembered: undefined } },
  ],
  link: { kind: 'unreachable', sinceMs: 2_000, why: 'gone' },
  complaint: 'gone',
});

const control: ServiceControl = {
  slots: () => new Map(),
  perform: async () => ({ kind: 'failed', late: false, why: 'nothing can be done here' }),
  refused: () => {},
};
const served = { status: () => status, control };

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve() {
  const [port] = (await freePorts(1)) as [number];
  open.push(await serveAgent({ host: '127.0.0.1', port }, served));
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

test('a taken port is named', async () => {
  const { port } = await serve();
  await expect(serveAgent({ host: '127.0.0.1', port }, served)).rejects.toThrow(
    `port ${port} of 127.0.0.1 is taken by another program`,
  );
});

test('a foreign address is named', async () => {
  await expect(serveAgent({ host: '192.0.2.1', port: 1234 }, served)).rejects.toThrow(
    '192.0.2.1 is not an address of this machine',
  );
});
