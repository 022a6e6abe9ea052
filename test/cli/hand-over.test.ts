import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { handOver } from '../../cli/service/hand-over.js';
import type { Io } from '../../cli/io.js';
import { Secret } from '../../common/secret.js';
import { running } from '../agent/core/lead/builders.js';

const open: Server[] = [];
afterEach(() => {
  for (const server of open.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

interface Given {
  readonly status?: number;
  readonly body?: object;
  /** Whom the record names first in each look after the order, and whether the order stands still. */
  readonly looks?: readonly { readonly primary: string; readonly isStanding: boolean }[];
}
const order = { kind: 'switchover', id: 'o1', from: 'pg1', to: 'pg2', handedOver: false };

/** The agent of pg1. */
async function agent({ status = 200, body = { service: 'pg', order }, looks = [] }: Given) {
  let asked = 0;
  const orders: unknown[] = [];
  const server = createServer((request, response) => {
    const answer = (code: number, what: object) => {
      response.writeHead(code, { 'content-type': 'application/json' });
      response.end(JSON.stringify(what));
    };
    if (request.method === 'GET') return answer(200, reportOf(looks[Math.min(asked++, looks.length - 1)]!));
    let text = '';
    request.on('data', (chunk) => (text += String(chunk)));
    request.on('end', () => (orders.push(JSON.parse(text)), answer(status, body)));
  });
  open.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { orders, port: (server.address() as AddressInfo).port };
}

const reportOf = ({ primary, isStanding }: NonNullable<Given['looks']>[number]) => ({
  service: 'pg',
  member: 'pg1',
  epoch: 1,
  self: running(true),
  eligible: { ok: true },
  row: 'holder',
  sentence: 'x',
  publish: 'unchanged',
  holdsLease: true,
  shared: {
    kind: 'read',
    isHeld: true,
    epoch: 1,
    policy: { roles: 'managed', promotion: 'auto', durability: 'sync', strict: false, paused: false },
    record: {
      epoch: 1,
      durability: 'sync',
      members: [{ name: primary, incarnation: 'a' }],
      history: { systemId: '1', timeline: 1, forks: [] },
    },
    ...(isStanding ? { order } : {}),
  },
  warnings: [],
});

const run = (port: number, stop = new AbortController().signal) =>
  handOver(
    {
      box: 'pg1',
      service: 'pg',
      agent: { host: '127.0.0.1', port, secret: new Secret('correct-horse-battery') },
    },
    { stop } as Io,
  );

test('waits until the order is carried out', async () => {
  const { port, orders } = await agent({
    looks: [
      { primary: 'pg1', isStanding: false },
      { primary: 'pg1', isStanding: true },
      { primary: 'pg2', isStanding: false },
    ],
  });
  expect(await run(port)).toEqual({ exitCode: 0, sentence: 'pg2 has taken over' });
  expect(orders).toEqual([{ kind: 'stopping' }]);
});

test('a refusal is no failure: there is nothing to hand over', async () => {
  const { port } = await agent({ status: 409, body: { code: 'unsafe', error: 'promotion=manual: by hand' } });
  expect(await run(port)).toEqual({
    exitCode: 0,
    sentence: 'nothing is handed over: promotion=manual: by hand',
  });
});

test('one that was given up is said; an order that is not shown yet is none of these', async () => {
  const { port } = await agent({
    looks: [
      { primary: 'pg1', isStanding: false },
      { primary: 'pg1', isStanding: true },
      { primary: 'pg1', isStanding: false },
    ],
  });
  expect(await run(port)).toMatchObject({
    exitCode: 1,
    sentence: expect.stringContaining('pg1 is the primary still') as string,
  });
});

test('an agent that cannot be told holds nothing up', async () => {
  const { port } = await agent({ status: 503, body: { code: 'unavailable', error: 'Consul has no leader' } });
  expect(await run(port)).toEqual({ exitCode: 1, sentence: 'not handed over: Consul has no leader' });
  const bare = await handOver({ box: 'pg1', service: 'pg', agent: { host: '127.0.0.1', port } }, {
    stop: new AbortController().signal,
  } as Io);
  expect(bare).toMatchObject({ exitCode: 1 });
});
