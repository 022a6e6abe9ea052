import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, expect, test } from 'vitest';
import { exitCodeOf, interrupted, placeOrder } from '../../../cli/failover/tell.js';
import { Secret } from '../../../common/secret.js';
import { readFailover } from '../../../status/index.js';
import { freePorts } from '../../support/ports.js';
import { switchover } from './reports.js';

const open: { close(): void }[] = [];
afterEach(() => {
  for (const server of open.splice(0)) server.close();
});

async function agent(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
const saying = (status: number, body: object) =>
  agent((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
  });
const refusing = (status: number, code: string, error = code) => saying(status, { code, error });
let nobody: string;
beforeAll(async () => {
  nobody = `http://127.0.0.1:${(await freePorts(1))[0]}`;
});

const place = (urls: readonly string[], stop = new AbortController().signal) =>
  placeOrder(
    { urls, service: 'pg', secret: new Secret('correct-horse-battery'), secretFile: '/etc/s', stop },
    { kind: 'switchover' },
  );

test('an older agent has no such path: the next one is told', async () => {
  const older = await refusing(404, 'no-such-path');
  const placing = await saying(200, { service: 'pg', order: switchover });
  await expect(place([older, placing])).resolves.toEqual(switchover);
  await expect(place([older])).rejects.toMatchObject({
    exitCode: 4,
    message: expect.stringContaining('is older than this command') as string,
  });
  await expect(readFailover(older, 'pg', 1_000)).resolves.toMatchObject({ kind: 'not-managed' });
});

test('the first real cause is told, whatever others say after it', async () => {
  const blind = await refusing(503, 'unavailable', 'Consul has no leader');
  const elsewhere = await refusing(404, 'no-such-service', 'no such service');
  for (const urls of [
    [blind, elsewhere, nobody],
    [elsewhere, blind, nobody],
  ])
    await expect(place(urls)).rejects.toThrow('Consul has no leader');
  await expect(place([nobody, elsewhere])).rejects.toThrow('cannot be told');
  await expect(place([elsewhere])).rejects.toThrow('no such service');
});

test('a refusal that every agent would give ends it', async () => {
  let asked = 0;
  const other = await agent((_request, response) => {
    asked += 1;
    response.end('{}');
  });
  await expect(place([await refusing(401, 'secret-wrong'), other])).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringContaining('/etc/s') as string,
  });
  await expect(place([await refusing(409, 'unsafe', 'it lags'), other])).rejects.toMatchObject({
    exitCode: 4,
    message: 'it lags',
  });
  expect(asked).toBe(0);
});

test('Ctrl-C while it is told: it says that it may be done', async () => {
  const stop = new AbortController();
  const silent = await agent(() => stop.abort());
  await expect(place([silent, nobody], stop.signal)).rejects.toMatchObject({
    exitCode: interrupted,
    message: expect.stringContaining('"hotspare withdraw" takes it back') as string,
  });
});

test('an answer that cannot be read leaves it unknown', async () => {
  const odd = await agent((_request, response) => response.writeHead(502).end('Bad gateway'));
  await expect(place([odd])).rejects.toMatchObject({ exitCode: 5 });
});

test('exit codes', () => {
  expect([
    exitCodeOf('conflict'),
    exitCodeOf('late'),
    exitCodeOf('secret-missing'),
    exitCodeOf('unavailable'),
  ]).toEqual([4, 5, 2, 1]);
});
