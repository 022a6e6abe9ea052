import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http';
import { createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { HttpDriver } from '../../../agent/drivers/http/driver.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { waitFor } from '../../support/wait.js';

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of cleanUp.splice(0)) await end();
});

/** For servers that do not answer; one that does may take its time. */
const hastyMs = 300;

function driverFor(port: number, timeoutMs = eventuallyMs) {
  const driver = new HttpDriver({
    address: '127.0.0.1',
    port,
    path: '/healthz',
    timeoutMs,
    clock: systemClock,
  });
  const alarms: number[] = [];
  driver.onAlarm(() => alarms.push(performance.now()));
  cleanUp.push(() => driver.close());
  return { driver, alarms };
}

async function web(answer: RequestListener): Promise<{ server: Server; port: number }> {
  const server = createHttpServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, port: (server.address() as { port: number }).port };
}

async function tcp(behave: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    cleanUp.push(() => socket.destroy());
    behave(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => server.close());
  return (server.address() as { port: number }).port;
}

test.each([200, 204, 299])('%i is passing', async (status) => {
  const { port } = await web((request, response) => {
    expect(request.url).toBe('/healthz');
    response.writeHead(status).end();
  });
  expect(await driverFor(port).driver.probe()).toEqual({ kind: 'passing', facts: { kind: 'http' } });
});

test.each([302, 404, 500, 503])('%i is critical', async (status) => {
  const { port } = await web((_, response) => response.writeHead(status).end('body'));
  expect(await driverFor(port).driver.probe()).toEqual({
    kind: 'critical',
    trouble: { kind: 'http-status', status },
  });
});

test('nobody listens', async () => {
  const [port] = (await freePorts(1)) as [number];
  expect(await driverFor(port).driver.probe()).toEqual({ kind: 'critical', trouble: { kind: 'refused' } });
});

test('slow: given up on at the deadline', async () => {
  const { port } = await web(() => {});
  expect(await driverFor(port, hastyMs).driver.probe()).toEqual({
    kind: 'critical',
    trouble: { kind: 'no-answer', deadlineMs: hastyMs },
  });
});

test('a head without its body is no answer', async () => {
  const { port } = await web(
    (_, response) => void response.writeHead(200, { 'content-length': 10 }).write('half'),
  );
  expect(await driverFor(port, hastyMs).driver.probe()).toMatchObject({
    kind: 'critical',
    trouble: { kind: 'no-answer' },
  });
});

test('a body without end is not read to its end', async () => {
  const { port } = await web((_, response) => {
    const chunk = Buffer.alloc(16 * 1024);
    const more = () => {
      if (!response.destroyed) response.write(chunk, () => setImmediate(more));
    };
    more();
  });
  expect((await driverFor(port).driver.probe()).kind).toBe('passing');
});

const broken: readonly [string, (socket: Socket) => void, string][] = [
  ['hangs up', (socket) => socket.end(), 'closed'],
  ['resets', (socket) => socket.once('data', () => socket.resetAndDestroy()), 'closed'],
  ['speaks something else', (socket) => void socket.end('SSH-2.0-OpenSSH\r\n'), 'garbage'],
];
test.each(broken)('a server that %s', async (_, behave, kind) => {
  const port = await tcp(behave);
  expect(await driverFor(port).driver.probe()).toMatchObject({ kind: 'critical', trouble: { kind } });
});

test('probes share one connection; its end while idle is an alarm at once', async () => {
  const { server, port } = await web((_, response) => response.end());
  let connections = 0;
  const sockets: Socket[] = [];
  server.on('connection', (socket: Socket) => {
    connections++;
    sockets.push(socket);
  });
  const { driver, alarms } = driverFor(port);
  for (let probe = 0; probe < 5; probe++) expect((await driver.probe()).kind).toBe('passing');
  expect(connections).toBe(1);
  expect(alarms).toEqual([]);
  sockets[0]!.destroy();
  await waitFor('the alarm', eventuallyMs, () => alarms.length === 1);
});

test('a connection closed under a probe is not held against the server', async () => {
  let answers = 0;
  const { port } = await web((request, response) => {
    // The second question on the kept connection meets a server that has just let it go.
    if (++answers === 2) return void request.socket.destroy();
    response.end();
  });
  const { driver } = driverFor(port);
  expect((await driver.probe()).kind).toBe('passing');
  expect((await driver.probe()).kind).toBe('passing');
  expect(answers).toBe(3);
});

test('a server that keeps nothing alive gets one question per probe and no storm', async () => {
  let questions = 0;
  const { port } = await web((_, response) => {
    questions++;
    response.writeHead(200, { connection: 'close' }).end();
  });
  const { driver, alarms } = driverFor(port);
  for (let probe = 0; probe < 3; probe++) expect((await driver.probe()).kind).toBe('passing');
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(questions).toBe(3);
  expect(alarms).toEqual([]);
});

test('a draining server is not held up by the kept connection', async () => {
  const { server, port } = await web((_, response) => response.end());
  // What would be waited for otherwise.
  server.keepAliveTimeout = 120_000;
  const { driver } = driverFor(port);
  await driver.probe();
  const startedMs = performance.now();
  await new Promise((resolve) => server.close(resolve));
  expect(performance.now() - startedMs).toBeLessThan(eventuallyMs);
  expect(await driver.probe()).toEqual({ kind: 'critical', trouble: { kind: 'refused' } });
});
