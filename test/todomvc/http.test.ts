import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import type { AppOptions } from '../../todomvc/app.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';
import { ask, readEvents, startTestApp, type AppUnderTest } from './app-under-test.js';
import { FakeDatabase } from './fake-database.js';

let open: AppUnderTest[] = [];
afterEach(async () => {
  await Promise.all(open.map((app) => app.close()));
  open = [];
});

async function start(options: Partial<AppOptions> = {}) {
  const database = new FakeDatabase();
  const app = await startTestApp(database, options);
  open.push(app);
  return { ...app, database };
}

const post = (url: string, body: unknown) => ask(`${url}/todos`, { method: 'POST', body });

describe('without a writable database', () => {
  it('read-only: reads go on, from the hot spare; writes get 503 and when to come back', async () => {
    const { url, database } = await start();
    const id = (await post(url, { title: 'kept' })).json.id as string;
    database.setMode('read-only');
    const list = await ask(`${url}/todos`);
    expect(list).toMatchObject({
      status: 200,
      json: [{ title: 'kept' }],
      headers: {
        'x-served-by': 'box1',
        'x-hotspare-mode': 'read-only',
        'x-hotspare-read-from': '192.0.2.2:5432',
        'x-hotspare-read-role': 'replica',
      },
    });
    for (const write of [
      () => post(url, { title: 'no' }),
      () => ask(`${url}/todos/${id}`, { method: 'PATCH', body: { completed: true } }),
      () => ask(`${url}/todos/${id}`, { method: 'DELETE' }),
      () => ask(`${url}/todos`, { method: 'DELETE' }),
    ]) {
      const answer = await write();
      expect(answer).toMatchObject({ status: 503, json: { type: 'urn:hotspare:problem:read-only' } });
      expect(answer.headers['retry-after']).toMatch(/^\d+$/);
      expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(answer.headers['x-hotspare-mode']).toBe('read-only');
    }
    database.setMode('read-write');
    expect((await post(url, { title: 'yes' })).status).toBe(201);
  });

  it('down: reads and writes get 503 of another type', async () => {
    const { url, database } = await start();
    database.setMode('down');
    for (const answer of [await ask(`${url}/todos`), await post(url, { title: 'no' })])
      expect(answer).toMatchObject({ status: 503, json: { type: 'urn:hotspare:problem:down' } });
  });

  it('an unconfirmed write is a 504 of its own; repeating it with the same id is safe', async () => {
    const { url, database } = await start();
    const todo = { id: randomUUID(), title: 'once' };
    database.failNextWrite('outcome-unknown', { stored: true });
    expect(await post(url, todo)).toMatchObject({
      status: 504,
      json: { type: 'urn:hotspare:problem:outcome-unknown' },
    });
    expect(await post(url, todo)).toMatchObject({ status: 200, json: { id: todo.id } });
    expect((await ask(`${url}/todos`)).json).toHaveLength(1);
  });

  it('a database that answers nothing is given up: 504 for a write, 503 for a read', async () => {
    const { url, database } = await start({ databaseDeadlineMs: 100 });
    const release = database.hold();
    const [write, read] = await Promise.all([post(url, { title: 'x' }), ask(`${url}/todos`)]);
    expect(write).toMatchObject({ status: 504, json: { type: 'urn:hotspare:problem:outcome-unknown' } });
    expect(read).toMatchObject({ status: 503, json: { type: 'urn:hotspare:problem:down' } });
    release();
  });

  it('health speaks of the app, not of the database', async () => {
    const { url, database } = await start();
    for (const mode of ['read-write', 'read-only', 'down'] as const) {
      database.setMode(mode);
      expect(await ask(`${url}/healthz`)).toMatchObject({ status: 200, json: { status: 'ok', mode } });
    }
  });
});

describe('the page files', () => {
  it('come with type, tag and rules, and are asked again rather than sent again', async () => {
    const { url } = await start();
    for (const [path, type] of [
      ['/', 'text/html'],
      ['/app.js', 'text/javascript'],
      ['/style.css', 'text/css'],
      ['/todomvc-app.css', 'text/css'],
      ['/icon.svg', 'image/svg+xml'],
    ] as const) {
      const answer = await ask(url + path);
      expect([path, answer.status, answer.headers['content-type']]).toEqual([
        path,
        200,
        expect.stringContaining(type),
      ]);
      expect(answer.headers['cache-control']).toBe('no-cache');
      expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
      const again = await ask(url + path, { headers: { 'If-None-Match': String(answer.headers.etag) } });
      expect([again.status, again.text]).toEqual([304, '']);
    }
    expect((await ask(`${url}/`, { headers: { 'If-None-Match': '"other"' } })).status).toBe(200);
  });

  it('HEAD says the same without the body', async () => {
    const { url } = await start();
    const [head, get] = [await ask(`${url}/`, { method: 'HEAD' }), await ask(`${url}/`)];
    expect([head.status, head.text, head.headers.etag]).toEqual([200, '', get.headers.etag]);
    expect(head.headers['content-length']).toBe(String(Buffer.byteLength(get.text)));
  });
});

describe('the event stream', () => {
  it('tells the mode at once and on every change, and that todos changed', async () => {
    const { url, database } = await start({ events: { beatMs: 50 } });
    const stream = await readEvents(url);
    expect(stream.status).toBe(200);
    expect(stream.headers).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'x-accel-buffering': 'no',
      'cache-control': 'no-store',
      'x-served-by': 'box1',
    });
    const seen = (event: string) => stream.events.filter((one) => one.event === event);
    await waitFor('the first mode', eventuallyMs, () => seen('mode').length === 1);
    const since = new Date('2030-01-02T03:04:05Z');
    database.setMode('read-only', 'primary gone', since);
    await waitFor('the second mode', eventuallyMs, () => seen('mode').length === 2);
    expect(seen('mode')[1]?.data).toEqual({
      mode: 'read-only',
      since: since.toISOString(),
      reason: 'primary gone',
      servedBy: 'box1',
    });
    database.setMode('read-write');
    await post(url, { title: 'x' });
    await waitFor('the notice of a change', eventuallyMs, () => seen('todos').length > 0);
    await waitFor('two beats', eventuallyMs, () => seen('beat').length > 1);
    expect(stream.text()).toMatch(/^retry: \d+$/m);
    expect(stream.text()).toMatch(/^: alive$/m);
    stream.close();
  });

  it('gathers a burst of changes', async () => {
    const gatherMs = 300;
    const { url } = await start({ events: { gatherMs } });
    const stream = await readEvents(url);
    const startedMs = performance.now();
    await Promise.all(Array.from({ length: 20 }, (_, i) => post(url, { title: `t${i}` })));
    await waitFor('the notice', eventuallyMs, () => stream.events.some(({ event }) => event === 'todos'));
    const heard = stream.events.filter(({ event }) => event === 'todos').length;
    expect(heard).toBeLessThanOrEqual(2 + (performance.now() - startedMs) / gatherMs);
    stream.close();
  });

  it('refuses more streams than it can hold, and has room again', async () => {
    const { url } = await start({ events: { maxStreams: 1 } });
    const first = await readEvents(url);
    expect(await ask(`${url}/events`)).toMatchObject({
      status: 503,
      json: { type: 'urn:hotspare:problem:too-many-streams' },
    });
    first.close();
    await waitFor('room for another stream', eventuallyMs, async () => {
      const next = await readEvents(url);
      next.close();
      return next.status === 200;
    });
  });
});

describe('draining', () => {
  it('fails health at once, goes on serving, ends streams, and closes when it is quiet', async () => {
    // Time enough for all these questions, even on a busy machine.
    const { url, app } = await start({ drain: { minMs: 2_000, quietMs: 100, maxMs: 60_000 } });
    const stream = await readEvents(url);
    const left = app.drain();
    expect(await ask(`${url}/healthz`)).toMatchObject({ status: 503, json: { status: 'draining' } });
    const served = await post(url, { title: 'while draining' });
    expect(served.status).toBe(201);
    expect(served.headers.connection).toBe('close');
    expect((await ask(`${url}/events`)).json.type).toBe('urn:hotspare:problem:draining');
    await stream.ended;
    await left;
    await expect(ask(`${url}/healthz`)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    open = [];
  });

  it('serves for as long as requests come, health checks not counted', async () => {
    const drain = { minMs: 100, quietMs: 1_000, maxMs: 60_000 };
    const { url, app } = await start({ drain });
    const started = performance.now();
    let done = false;
    const left = app.drain().then(() => (done = true));
    let served = 0;
    while (performance.now() - started < 2 * drain.quietMs) {
      expect((await ask(`${url}/todos`)).status).toBe(200);
      served += 1;
    }
    expect(done).toBe(false);
    expect(served).toBeGreaterThan(2);
    let checks = 0;
    while (!done) {
      await ask(`${url}/healthz`).catch(() => undefined);
      checks += 1;
    }
    expect(checks).toBeGreaterThan(0);
    await left;
    open = [];
  });

  it('lets the request in flight finish', async () => {
    const { url, app, database } = await start({ drain: { minMs: 0, quietMs: 50, maxMs: 60_000 } });
    const release = database.hold();
    const inFlight = post(url, { title: 'in flight' });
    await waitFor('the request to reach the database', eventuallyMs, () => database.waiting > 0);
    const left = app.drain();
    await waitFor('the listener to close', eventuallyMs, () =>
      ask(`${url}/healthz`).then(
        () => false,
        (error: NodeJS.ErrnoException) => error.code === 'ECONNREFUSED',
      ),
    );
    release();
    expect((await inFlight).status).toBe(201);
    await left;
    open = [];
  });

  it('is bounded, even when a request never ends', async () => {
    const { url, app, database } = await start({ drain: { minMs: 0, quietMs: 0, maxMs: 100 } });
    const release = database.hold();
    const inFlight = post(url, { title: 'stuck' }).catch((error: NodeJS.ErrnoException) => error.code);
    await waitFor('the request to reach the database', eventuallyMs, () => database.waiting > 0);
    await app.drain();
    expect(await inFlight).toBe('ECONNRESET');
    release();
    open = [];
  });
});
