import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpPeers } from '../../../agent/peers/peers.js';
import { systemClock } from '../../../common/runtime/clock.js';
import type { FailoverReport } from '../../../common/failover/report.js';

const report: FailoverReport = {
  service: 'pg',
  member: 'pg2',
  epoch: 3,
  self: {
    kind: 'known',
    managed: true,
    data: 'present',
    process: 'running',
    writable: false,
    gate: { kind: 'closed', proven: true },
    draining: false,
    incarnation: 'abc',
    feeds: [{ name: 'pg1' }],
    slots: [],
    replayPaused: false,
    checkpointed: true,
    source: { address: '127.0.0.1', streaming: true },
  },
  eligible: { ok: true },
  row: 'following',
  sentence: 'follows pg1',
  publish: 'replica',
  holdsLease: false,
  shared: { kind: 'unread', why: 'not read yet' },
  warnings: [],
};

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.close();
    server.closeAllConnections();
  }
});

async function ask(listener: RequestListener, deadlineMs = 2_000) {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const peers = new HttpPeers({
    service: 'pg',
    agents: new Map([['pg2', { agent: `http://127.0.0.1:${port}` }]]),
    deadlineMs,
    clock: systemClock,
  });
  return peers.ask('pg2', new AbortController().signal);
}

const why = async (listener: RequestListener, deadlineMs?: number) => {
  const peer = await ask(listener, deadlineMs);
  return peer.kind === 'unknown' ? peer.why : 'known';
};

test('what another agent says of its member', async () => {
  const peer = await ask((_, response) => response.end(JSON.stringify(report)));
  expect(peer).toMatchObject({
    kind: 'known',
    epoch: 3,
    eligible: { ok: true },
    self: {
      kind: 'known',
      incarnation: 'abc',
      busy: undefined,
      feeds: [{ name: 'pg1', position: undefined }],
    },
  });
});

test('who answers for another member is not believed', async () => {
  const other = { ...report, member: 'pg3' };
  expect(await why((_, response) => response.end(JSON.stringify(other)))).toBe(
    'at the address of pg2 the agent of pg3 answers',
  );
});

test('garbage, a refusal, too much and silence are all unknown, each with why', async () => {
  expect(await why((_, response) => response.end('<html>'))).toContain('answers with what is not a report');
  expect(await why((_, response) => response.end('{}'))).toContain('answers with what is not a report');
  expect(await why((_, response) => response.writeHead(409).end('{}'))).toBe('the agent of pg2 answers 409');
  expect(await why((_, response) => response.end('x'.repeat(300_000)))).toContain('sends more than');
  expect(await why(() => {}, 200)).toBe('the agent of pg2 does not answer within 200 ms');
  expect(await why((_, response) => response.destroy())).toContain('cannot be reached');
});

test('a member that nobody configured', async () => {
  const peers = new HttpPeers({ service: 'pg', agents: new Map(), deadlineMs: 100, clock: systemClock });
  expect(await peers.ask('pg9', new AbortController().signal)).toEqual({
    kind: 'unknown',
    why: 'pg9 is not a member',
  });
});

test('whether even the connection was accepted: a box that is gone is told from an agent that is silent or dead', async () => {
  const told = async (agent: string) => {
    const peers = new HttpPeers({
      service: 'pg',
      agents: new Map([['pg2', { agent }]]),
      deadlineMs: 300,
      clock: systemClock,
    });
    return peers.ask('pg2', new AbortController().signal);
  };
  expect(await ask(() => {}, 200)).not.toHaveProperty('isUnreachable');
  expect(await told('http://127.0.0.1:1')).not.toHaveProperty('isUnreachable');
});

test('an answer that is cut off half-way is none', async () => {
  expect(
    await why((_, response) => {
      response.writeHead(200, { 'content-length': '100' });
      response.write('{');
      setTimeout(() => response.destroy(), 50);
    }),
  ).toContain('cannot be reached');
});
