import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askRaw, startTestApp, type AppUnderTest } from './app-under-test.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';
import { FakeDatabase } from './fake-database.js';

const database = new FakeDatabase();
let app: AppUnderTest;
let known: string;

beforeAll(async () => {
  app = await startTestApp(database, { limits: { bodyDeadlineMs: 300, discardBytes: 1024 * 1024 } });
  known = randomUUID();
  await database.create({ id: known, title: 'the only one', completed: false, order: null });
});
afterAll(() => app.close());

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
const title = { title: 'x' };

describe('a bad request stores nothing and says why', () => {
  it.each([
    ['malformed JSON', 'POST', '/todos', { body: '{"title":' }, 400, 'malformed-json'],
    ['an empty body', 'POST', '/todos', { body: '' }, 400, 'malformed-json'],
    [
      'bytes that are no UTF-8',
      'POST',
      '/todos',
      { body: Buffer.from('{"title":"\xff"}', 'latin1') },
      400,
      'malformed-json',
    ],
    ['no title', 'POST', '/todos', { body: {} }, 400, 'invalid-todo'],
    ['an empty title', 'POST', '/todos', { body: { title: '' } }, 400, 'invalid-todo'],
    ['a title of the wrong type', 'POST', '/todos', { body: { title: 7 } }, 400, 'invalid-todo'],
    ['an overlong title', 'POST', '/todos', { body: { title: 'x'.repeat(10_000) } }, 400, 'invalid-todo'],
    ['a NUL in the title', 'POST', '/todos', { body: '{"title":"a\\u0000b"}' }, 400, 'invalid-todo'],
    ['a JSON list', 'POST', '/todos', { body: [title] }, 400, 'invalid-todo'],
    ['a malformed id', 'POST', '/todos', { body: { id: '1', ...title } }, 400, 'invalid-todo'],
    ['a form', 'POST', '/todos', { body: 'title=x', headers: form }, 415, 'unsupported-media-type'],
    [
      'packed JSON',
      'POST',
      '/todos',
      { body: title, headers: { 'Content-Encoding': 'gzip' } },
      415,
      'unsupported-media-type',
    ],
    ['an oversize body', 'POST', '/todos', { body: { title: 'x'.repeat(100_000) } }, 413, 'body-too-large'],
    ['a wrong method on all', 'PUT', '/todos', { body: title }, 405, 'method-not-allowed'],
    ['a wrong method on one', 'POST', '/todos/:known', { body: title }, 405, 'method-not-allowed'],
    ['a wrong method on the page', 'POST', '/', { body: title }, 405, 'method-not-allowed'],
    ['a wrong method on health', 'DELETE', '/healthz', {}, 405, 'method-not-allowed'],
    ['a wrong query', 'DELETE', '/todos?completed=yes', {}, 400, 'invalid-query'],
    ['an unknown query', 'DELETE', '/todos?complete=true', {}, 400, 'invalid-query'],
    ['an unknown id', 'GET', `/todos/${randomUUID()}`, {}, 404, 'unknown-todo'],
    ['an unknown id to change', 'PATCH', `/todos/${randomUUID()}`, { body: title }, 404, 'unknown-todo'],
    ['an unknown id to remove', 'DELETE', `/todos/${randomUUID()}`, {}, 404, 'unknown-todo'],
    ['an id that cannot be one', 'GET', '/todos/1', {}, 404, 'unknown-todo'],
    ['an id that is SQL', 'DELETE', "/todos/1'%20OR%20'1'='1", {}, 404, 'unknown-todo'],
    ['a bad change', 'PATCH', '/todos/:known', { body: { title: ' ' } }, 400, 'invalid-todo'],
    ['a change of the wrong type', 'PATCH', '/todos/:known', { body: { completed: 1 } }, 400, 'invalid-todo'],
    ['a path that leads nowhere', 'GET', '/nothing', {}, 404, 'not-found'],
    ['a path out of the folder', 'GET', '/../config.ts', {}, 404, 'not-found'],
    ['a path out of the folder, encoded', 'GET', '/%2e%2e%2fconfig.ts', {}, 404, 'not-found'],
  ] as const)('%s', async (_name, method, path, options, status, problem) => {
    const answer = await ask(app.url + path.replace(':known', known), { method, ...options });
    expect(answer).toMatchObject({
      status,
      json: {
        type: `urn:hotspare:problem:${problem}`,
        status,
        title: expect.stringMatching(/\w/) as string,
        detail: expect.stringMatching(/\.$/) as string,
      },
    });
    expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect((await database.list()).value).toEqual([
      { id: known, title: 'the only one', completed: false, order: null },
    ]);
  });

  it('a wrong method is told the right ones', async () => {
    const allowed = async (path: string) => (await ask(app.url + path, { method: 'PUT' })).headers.allow;
    expect(await allowed('/todos')).toBe('GET, HEAD, POST, DELETE, OPTIONS');
    expect(await allowed(`/todos/${known}`)).toBe('GET, HEAD, PATCH, DELETE, OPTIONS');
  });

  it('a body without end is refused, and the connection closed', async () => {
    const answer = await ask(`${app.url}/todos`, {
      method: 'POST',
      body: Buffer.alloc(1024 * 1024 + 70_000, 'x'),
    });
    expect(answer.status).toBe(413);
    expect(answer.headers.connection).toBe('close');
  });

  it('a body that trickles meets a deadline', async () => {
    const { closed, socket } = askRaw(
      app.port,
      'POST /todos HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"title":',
    );
    const text = await closed;
    socket.destroy();
    expect(text).toMatch(/^HTTP\/1\.1 408 /);
    expect(text).toContain('urn:hotspare:problem:request-timeout');
  });

  it('a body that is cut short harms nobody', async () => {
    const { closed, socket } = askRaw(
      app.port,
      'POST /todos HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"title":',
    );
    socket.destroySoon();
    await closed;
    expect((await ask(`${app.url}/todos`)).json).toHaveLength(1);
  });

  it('a header that is not complete meets a deadline; a connection that is kept does not', async () => {
    const kept = connect(app.port, '127.0.0.1');
    let heard = '';
    kept.on('data', (chunk: Buffer) => (heard += chunk.toString()));
    const request = 'GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n';
    const answers = () => heard.split('HTTP/1.1 200').length - 1;
    kept.write(request);
    const late = [askRaw(app.port, 'GET / HTTP/1.1\r\nHost:'), askRaw(app.port, '')];
    // 10 s before, and the kept connection is idle for all of it.
    const started = performance.now();
    const texts = await Promise.all(late.map(({ closed }) => closed));
    expect(performance.now() - started).toBeLessThan(9_000);
    expect(texts[0]).toMatch(/^HTTP\/1\.1 408 /);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    kept.write(request);
    await waitFor('the second answer', eventuallyMs, () => answers() === 2);
    kept.destroy();
  });

  it('what is not HTTP gets an answer that says so', async () => {
    const text = await askRaw(app.port, 'hello\r\n\r\n').closed;
    expect(text).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(text).toContain('urn:hotspare:problem:invalid-request');
  });
});
