import { createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock as clock } from '../../../common/runtime/clock.js';
import { ConsulConnection } from '../../../common/consul/connection.js';
import { json, startHostileServer, type HostileServer } from './hostile-server.js';

let server: HostileServer;
let connection: ConsulConnection;

beforeEach(async () => {
  server = await startHostileServer();
  connection = new ConsulConnection({ url: server.url, clock });
});
afterEach(async () => {
  connection.close();
  await server.stop();
});

const read = (deadlineMs = 10_000, signal?: AbortSignal) =>
  connection.get({ path: 'health/service/pg', deadlineMs, ...(signal && { signal }) });

test('the body and the index; flags, values and a path of the base URL in the question', async () => {
  server.answer = (_, response) =>
    response.writeHead(200, { ...json, 'x-consul-index': '7' }).end('[{"a":1}]');
  const below = new ConsulConnection({ url: `${server.url}/consul/`, clock });
  const query = { cached: '', dc: 'a&b' };
  expect(await below.get({ path: 'health/service/pg', query, deadlineMs: 10_000 })).toEqual({
    status: 200,
    index: '7',
    body: [{ a: 1 }],
  });
  expect(server.asked).toEqual(['/consul/v1/health/service/pg?cached&dc=a%26b']);
  below.close();
});

test('a PUT carries its body as JSON, and the token; no answer is undefined', async () => {
  const seen: unknown[] = [];
  server.answer = (request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const { 'content-type': type, 'x-consul-token': token } = request.headers;
      seen.push([request.method, request.url, type, token, body]);
      if (body === '') response.writeHead(200).end();
      else response.writeHead(200, json).end('{"ID":"1"}');
    });
  };
  const own = new ConsulConnection({ url: server.url, clock, token: () => 'mine' });
  expect(await own.put({ path: 'acl/policy', body: { Name: 'ä' }, deadlineMs: 10_000 })).toMatchObject({
    body: { ID: '1' },
  });
  expect((await own.put({ path: 'acl/bootstrap', deadlineMs: 10_000 })).body).toBeUndefined();
  expect(seen).toEqual([
    ['PUT', '/v1/acl/policy', 'application/json', 'mine', '{"Name":"ä"}'],
    ['PUT', '/v1/acl/bootstrap', undefined, 'mine', ''],
  ]);
  own.close();
});

test('the token is asked for anew for each question', async () => {
  const seen: unknown[] = [];
  server.answer = ({ headers }, response) => {
    seen.push(headers['x-consul-token']);
    response.writeHead(200, json).end('[]');
  };
  const tokens = ['first', undefined, 'third'];
  const own = new ConsulConnection({ url: server.url, clock, token: () => tokens[seen.length] });
  for (const _ of tokens) await own.get({ path: 'x', deadlineMs: 10_000 });
  expect(seen).toEqual(tokens);
  own.close();
});

test.each([
  ['forbidden', 403, 'Permission denied\n', { status: 403, message: 'Permission denied' }],
  ['failed', 500, 'No cluster leader', { status: 500, message: 'No cluster leader' }],
  ['failed', 500, '', { status: 500, message: 'HTTP status 500' }],
  ['failed', 302, '', { status: 302, message: 'HTTP status 302' }],
])('%s: status %d, "%s"', async (kind, status, body, expected) => {
  server.answer = (_, response) => response.writeHead(status, { ...json, location: '/' }).end(body);
  await expect(read()).rejects.toMatchObject({ kind, ...expected });
});

test.each([
  ['another type', { 'content-type': 'text/html' }, '[]'],
  ['no JSON', json, '<html>'],
  ['an answer that never ends', json, 'x'.repeat(5 * 1024 * 1024)],
])('garbage: %s', async (_, headers, body) => {
  server.answer = (_, response) => response.writeHead(200, headers).write(body);
  if (!body.startsWith('xxx')) server.answer = (_, response) => response.writeHead(200, headers).end(body);
  await expect(read()).rejects.toMatchObject({ kind: 'garbage' });
});

test('garbage: another protocol', async () => {
  const other = createServer(
    (socket) =>
      void socket
        .on('error', () => {})
        .resume()
        .end('SSH-2.0-OpenSSH_9.2\r\n'),
  );
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as { port: number };
  const there = new ConsulConnection({ url: `http://127.0.0.1:${port}`, clock });
  await expect(there.get({ path: 'x', deadlineMs: 10_000 })).rejects.toMatchObject({ kind: 'garbage' });
  there.close();
  await new Promise((resolve) => other.close(resolve));
});

test('refused: nothing listens there', async () => {
  await server.stop();
  await expect(read()).rejects.toMatchObject({ kind: 'refused', message: 'connection refused' });
});

test('late: no answer, and one that stops in its middle', async () => {
  server.answer = () => {};
  await expect(read(100)).rejects.toMatchObject({ kind: 'late' });
  server.answer = (_, response) => response.writeHead(200, json).write('[');
  await expect(read(100)).rejects.toMatchObject({ kind: 'late' });
});

test('unreachable: an answer that is cut off, before and after its head', async () => {
  server.answer = (_, response) => void response.destroy();
  await expect(read()).rejects.toMatchObject({ kind: 'unreachable' });
  server.answer = (_, response) => {
    response.writeHead(200, { ...json, 'content-length': '100' });
    response.write('[', () => response.destroy());
  };
  await expect(read()).rejects.toMatchObject({ kind: 'unreachable' });
});

test('a change: its body as JSON, and no words for an answer; other statuses only where they are an answer', async () => {
  const seen: string[] = [];
  server.answer = (request, response) => {
    let sent = '';
    request.on('data', (chunk: Buffer) => (sent += chunk.toString()));
    request.on('end', () => {
      seen.push(`${request.method} ${sent}`);
      response.writeHead(seen.length === 1 ? 200 : 409, seen.length === 3 ? json : {});
      response.end(['', 'no', '{"Errors":[]}'][seen.length - 1] ?? 'no');
    });
  };
  const put = (answers: number[]) =>
    connection.put({ path: 'txn', body: [{ a: 'ü' }], deadlineMs: 10_000, answers });
  expect(await put([])).toEqual({ status: 200, index: undefined, body: undefined });
  expect(await put([409])).toEqual({ status: 409, index: undefined, body: 'no' });
  expect(await put([409])).toEqual({ status: 409, index: undefined, body: { Errors: [] } });
  await expect(put([404])).rejects.toMatchObject({ kind: 'failed', status: 409, message: 'no' });
  expect(seen).toEqual(Array.from({ length: 4 }, () => 'PUT [{"a":"ü"}]'));
});

test("a signal ends the question with the signal's reason", async () => {
  server.answer = () => {};
  const controller = new AbortController();
  const asked = read(10_000, controller.signal);
  const why = new Error('enough');
  controller.abort(why);
  await expect(asked).rejects.toBe(why);
  await expect(read(10_000, controller.signal)).rejects.toBe(why);
});

test('a token that cannot be read is a failure like any other', async () => {
  const token = () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }));
  const own = new ConsulConnection({ url: server.url, clock, token });
  await expect(own.get({ path: 'x', deadlineMs: 10_000 })).rejects.toMatchObject({
    kind: 'unreachable',
    message: 'ENOENT',
  });
  own.close();
});
