import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../../common/runtime/clock.js';
import { SlowConsul } from '../../fakes/slow-consul.js';
import { AgentProcess, buildAgent } from '../../support/agent/agent-process.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** A whole agent as a process, and a Consul whose every answer takes nearly as long as the agent waits for one. */
const delayMs = 1_900;

let built: Awaited<ReturnType<typeof buildAgent>>;
let folder: string;
beforeAll(async () => {
  built = await buildAgent();
});
afterAll(() => built?.destroy());

let consul: SlowConsul;
let web: Server;
let agent: AgentProcess;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-slow-'));
  consul = await SlowConsul.start();
  web = createServer((_, response) => response.end('well'));
  await listen(0);
  agent = await AgentProcess.prepare({
    program: built.file,
    folder,
    box: 'web1',
    consulUrl: consul.url,
    more: `services:
  - { name: web, kind: http, port: ${port()}, probe: { path: /, intervalMs: 200, timeoutMs: 150 } }
`,
  });
});
afterEach(async () => {
  await agent?.destroy();
  await closeWeb();
  await consul?.close();
  rmSync(folder, { recursive: true, force: true });
});

const port = () => (web.address() as AddressInfo).port;
const listen = (at: number) => new Promise<void>((resolve) => web.listen(at, '127.0.0.1', resolve));
async function closeWeb(): Promise<void> {
  const closed = new Promise((resolve) => web.close(resolve));
  web.closeAllConnections();
  await closed;
}

/** When the agent has been seen to know of the death, monotonic ms. */
async function dies(): Promise<number> {
  await closeWeb();
  await waitFor('the agent to see it', eventuallyMs, async () => {
    return (await agent.status()).services[0]?.state === 'critical';
  });
  return systemClock.nowMs();
}

const begunAfter = (ms: number) =>
  consul.writes.filter(({ begunMs }) => begunMs > ms).map(({ what }) => what);

test('a death that is seen during a registration is the next thing told', async () => {
  consul.delayMs = delayMs;
  await agent.start();
  await waitFor('the registration to begin', eventuallyMs, () => consul.writes.length === 1);
  const seenMs = await dies();
  expect(consul.writes.map(({ what }) => what)).toEqual(['service/register web@web1']);
  await waitFor('two more', eventuallyMs, () => begunAfter(seenMs).length >= 2);
  expect(begunAfter(seenMs)[0]).toBe('check/fail service:web@web1');
  expect(begunAfter(seenMs).filter((what) => what.startsWith('check/pass'))).toEqual([]);
});

test('a death that is seen during a refresh is the next thing told', async () => {
  await agent.start();
  await waitFor('it to pass', eventuallyMs, () =>
    consul.writes.some(({ what }) => what.startsWith('check/pass')),
  );
  consul.delayMs = delayMs;
  const before = consul.writes.length;
  await waitFor('a refresh to begin', eventuallyMs, () => consul.writes.length > before);
  const seenMs = await dies();
  await waitFor('two more', eventuallyMs, () => begunAfter(seenMs).length >= 2);
  expect(begunAfter(seenMs)[0]).toBe('check/fail service:web@web1');
  expect(begunAfter(seenMs).filter((what) => what.startsWith('check/pass'))).toEqual([]);
});
