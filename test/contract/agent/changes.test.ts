import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { secretShape } from '../../../agent/config.js';
import { serveAgent } from '../../../agent/http/server.js';
import type { Kept } from '../../../agent/ports.js';
import { keptSecret } from '../../../agent/secrets/files.js';
import { UnitControl } from '../../../agent/shell/unit-control.js';
import { agentStatus } from '../../../agent/shell/status.js';
import { Secret } from '../../../common/secret.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { FakeUnits } from '../../fakes/fake-units.js';
import { noFailover } from '../../fakes/no-failover.js';
import { keptLog } from '../../fakes/kept-log.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { kept } from '../../support/agent/kept.js';
import { waitFor } from '../../support/wait.js';
import { fetchAnew } from '../../support/fetch-anew.js';

const secret = 'correct-horse-battery';
const services = [
  { name: 'web', unit: 'web.service' },
  { name: 'pg', unit: 'postgresql@15-main.service' },
  { name: 'lone' },
];
const status = () =>
  agentStatus({
    box: 'b1',
    version: '1',
    startedMs: 0,
    services: [],
    link: { kind: 'reachable', sinceMs: 0 },
    complaint: undefined,
  });

let units: FakeUnits;
let log: ReturnType<typeof keptLog>;
const open: { close(): Promise<void> }[] = [];
beforeEach(() => {
  units = new FakeUnits();
  log = keptLog();
});
afterEach(async () => {
  units.release();
  for (const server of open.splice(0)) await server.close();
});

async function serve(given: { secret?: Kept<Secret> } = { secret: kept(new Secret(secret)) }) {
  const [port] = (await freePorts(1)) as [number];
  const control = new UnitControl({ services, manager: units, clock: systemClock, log });
  open.push(
    await serveAgent(
      { host: '127.0.0.1', port },
      {
        status,
        control,
        failover: noFailover,
        leave: async () => ({ kind: 'done', left: ['pg'] }),
        ...given,
      },
    ),
  );
  const url = `http://127.0.0.1:${port}`;
  const post = (path: string, options: RequestInit = {}) =>
    fetchAnew(`${url}/v1/services/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}` },
      ...options,
    });
  return { port, url, post };
}

test('a secret that was replaced: the new one is right, the old one is not any more', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-secret-'));
  const file = join(folder, 'http.secret');
  try {
    const { post } = await serve({
      secret: keptSecret(file, new Secret(secret), { clock: systemClock, log, shape: secretShape }),
    });
    const ask = async (given: string) =>
      (await post('web/start', { headers: { authorization: `Bearer ${given}` } })).status;
    writeFileSync(file, 'too short');
    expect(await ask(secret)).toBe(200);
    writeFileSync(file, 'another-horse-and-battery\n');
    await waitFor('the new one', eventuallyMs, async () => (await ask('another-horse-and-battery')) === 200);
    expect(await ask(secret)).toBe(401);
    expect(log.lines.filter((line) => line.includes('cannot be read again'))).toHaveLength(1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('start, restart, stop: each is done and answered with the state after it', async () => {
  const { post } = await serve();
  for (const [action, state] of [
    ['start', 'running'],
    ['restart', 'running'],
    ['stop', 'stopped'],
  ] as const) {
    const response = await post(`web/${action}`);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ service: 'web', unit: 'web.service', action, state });
  }
  expect(units.calls.filter((call) => !call.startsWith('status'))).toEqual([
    'start web.service',
    'restart web.service',
    'stop web.service',
  ]);
  expect(log.lines).toContain('info: stop of web.service asked for by 127.0.0.1');
  expect(log.lines).toContain('info: stop of web.service done: it is stopped');
});

test('without the secret or with a wrong one nothing is done', async () => {
  const { post } = await serve();
  for (const headers of [{}, { authorization: `Bearer ${secret}x` }, { authorization: 'Bearer' }]) {
    const response = await post('web/stop', { headers });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer realm="hotspare"/);
  }
  expect(units.calls).toEqual([]);
  expect(log.lines).toHaveLength(3);
  expect(log.lines.join()).not.toContain('horse');
});

test('an agent without a secret changes nothing for anybody and says which key to set', async () => {
  const { post } = await serve({});
  const response = await post('web/stop');
  expect(response.status).toBe(403);
  expect(await response.json()).toEqual({
    code: 'no-secret',
    error: expect.stringContaining('set http.secretFile in its configuration') as string,
  });
  expect(units.calls).toEqual([]);
});

test('one action at a time per service; the others are free, and so is reading', async () => {
  const { post, url } = await serve();
  units.hold();
  const first = post('web/stop');
  await waitFor('it to be under way', eventuallyMs, () => units.calls.length === 1);
  const second = await post('web/start');
  expect(second.status).toBe(409);
  expect(await second.json()).toEqual({
    code: 'busy',
    error: 'web is in the middle of a stop; ask again after it',
  });
  expect((await fetchAnew(`${url}/v1/status`)).status).toBe(200);
  const other = post('pg/restart');
  await waitFor('the other service', eventuallyMs, () => units.calls.length === 2);
  units.release();
  expect([(await first).status, (await other).status]).toEqual([200, 200]);
  expect((await post('web/start')).status).toBe(200);
});

test('two at the same moment: one is done, one refused', async () => {
  const { post } = await serve();
  units.hold();
  const both = [post('web/stop'), post('web/stop')];
  // The one that is being done cannot answer yet.
  expect((await Promise.race(both)).status).toBe(409);
  units.release();
  expect((await Promise.all(both)).map((response) => response.status).sort()).toEqual([200, 409]);
  expect(units.calls.filter((call) => call.startsWith('stop'))).toHaveLength(1);
});

test.each([
  ['late', 504, 'late'],
  ['refused', 500, 'failed'],
  ['unknown', 500, 'failed'],
  ['failed', 500, 'failed'],
  ['unclear', 500, 'failed'],
] as const)('an order that ends as %s is answered with %i and the sentence', async (kind, status, code) => {
  const { post } = await serve();
  units.fail(kind, 'systemd was not in the mood');
  const response = await post('web/stop');
  expect(response.status).toBe(status);
  expect(await response.json()).toEqual({ code, error: 'systemd was not in the mood' });
  expect(log.lines.at(-1)).toBe('error: stop of web.service failed: systemd was not in the mood');
  expect((await post('web/stop')).status).toBe(200);
});

test('a body is not looked at, and a long one is refused before anything is done', async () => {
  const { post, port } = await serve();
  expect((await post('web/stop', { body: '{"unit":"sshd.service"}' })).status).toBe(200);
  expect(units.calls[0]).toBe('stop web.service');
  units.calls.length = 0;
  expect((await post('web/stop', { body: 'x'.repeat(65_537) })).status).toBe(413);
  // Chunked: its length is known only as it comes.
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.on('error', () => {});
  socket.on('data', (chunk: Buffer) => (said += chunk.toString('utf8')));
  socket.write(
    `POST /v1/services/web/stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nTransfer-Encoding: chunked\r\n\r\n`,
  );
  const chunk = `4000\r\n${'x'.repeat(0x4000)}\r\n`;
  for (let count = 0; count < 5; count++) socket.write(chunk);
  await waitFor('the refusal', eventuallyMs, () => said.startsWith('HTTP/1.1 413'));
  socket.destroy();
  expect(units.calls).toEqual([]);
});

test('whoever hangs up in the middle of a body has nothing done', async () => {
  const { port, post } = await serve();
  const socket = connect(port, '127.0.0.1');
  const half = `POST /v1/services/web/stop HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${secret}\r\nContent-Length: 10\r\n\r\nabc`;
  await new Promise<void>((resolve) => socket.write(half, () => resolve()));
  socket.destroy();
  expect((await post('pg/stop')).status).toBe(200);
  expect(units.calls).toEqual(['stop postgresql@15-main.service', 'status postgresql@15-main.service']);
});

test('strangers do not fill the log', async () => {
  const { post } = await serve();
  for (let count = 0; count < 20; count++) await post('web/stop', { headers: {} });
  expect(log.lines.length).toBeLessThanOrEqual(6);
});
