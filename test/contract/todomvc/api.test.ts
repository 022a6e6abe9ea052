import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startPostgres, type RealPostgres } from '../../support/postgres.js';
import { ask, startTestApp, type Answer, type AppUnderTest } from '../../todomvc/app-under-test.js';
import { databaseSuite } from '../../todomvc/database-suite.js';
import { openPostgresDatabase, type OpenDatabase } from '../../todomvc/postgres-database.js';

let postgres: RealPostgres;
let real: OpenDatabase;

beforeAll(async () => {
  postgres = await startPostgres();
  real = await openPostgresDatabase({ connectionString: postgres.url() });
});
afterAll(async () => {
  await real?.close();
  await postgres?.destroy();
});

databaseSuite('Postgres through the library', () => real.database);

describe('the Todo-Backend contract, on Postgres', () => {
  let app: AppUnderTest;
  let root: string;

  beforeAll(async () => {
    app = await startTestApp(real.database);
    root = `${app.url}/todos`;
  });
  afterAll(() => app?.close());
  beforeEach(async () => void (await ask(root, { method: 'DELETE' })));

  const post = (body: object) => ask(root, { method: 'POST', body });
  const patch = (url: string, body: object) => ask(url, { method: 'PATCH', body });
  const list = async () => (await ask(root)).json as { title: string; url: string }[];

  it('the root is there', async () => {
    expect(await ask(root)).toMatchObject({ status: 200, json: [] });
  });

  it('a POST answers with the todo, which is then in the list', async () => {
    const created = await post({ title: 'walk the dog' });
    expect(created).toMatchObject({ status: 201, json: { title: 'walk the dog', completed: false } });
    expect(created.headers.location).toBe(created.json.url);
    expect(await list()).toEqual([created.json]);
  });

  it('DELETE on the root leaves nothing', async () => {
    await post({ title: 'a' });
    await post({ title: 'b' });
    expect((await ask(root, { method: 'DELETE' })).status).toBe(204);
    expect(await list()).toEqual([]);
  });

  it('every todo has a url of its own, in the answer and in the list, and it leads to the todo', async () => {
    const { json: created } = await post({ title: 'a' });
    const [listed] = await list();
    for (const url of [created.url as string, listed?.url as string]) {
      expect(url).toMatch(new RegExp(`^${root}/[0-9a-f-]{36}$`));
      expect((await ask(url)).json).toEqual(created);
    }
  });

  it('title and completed can be changed, one or both, and stay changed', async () => {
    const { json: created } = await post({ title: 'before' });
    expect((await patch(created.url, { title: 'after' })).json).toMatchObject({
      title: 'after',
      completed: false,
    });
    expect((await patch(created.url, { completed: true })).json).toMatchObject({
      title: 'after',
      completed: true,
    });
    expect((await ask(created.url)).json).toMatchObject({ title: 'after', completed: true });
    expect(await list()).toMatchObject([{ title: 'after', completed: true }]);
  });

  it('one can be removed', async () => {
    const { json: gone } = await post({ title: 'gone' });
    await post({ title: 'stays' });
    expect((await ask(gone.url, { method: 'DELETE' })).status).toBe(204);
    expect((await ask(gone.url)).status).toBe(404);
    expect(await list()).toMatchObject([{ title: 'stays' }]);
  });

  it('order can be given, changed and is remembered', async () => {
    const { json: created } = await post({ title: 'a', order: 523 });
    expect(created.order).toBe(523);
    expect((await patch(created.url, { order: 95 })).json.order).toBe(95);
    expect((await ask(created.url)).json.order).toBe(95);
  });

  it('repeating a POST with the same id is safe', async () => {
    const todo = { id: randomUUID(), title: 'once' };
    const [first, second] = [await post(todo), await post(todo)];
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.json).toEqual(first.json);
    expect(await post({ ...todo, title: 'twice' })).toMatchObject({
      status: 409,
      json: { type: 'urn:hotspare:problem:id-taken' },
    });
    expect(await list()).toMatchObject([{ title: 'once' }]);
  });

  it('DELETE on the root can be limited to the completed ones', async () => {
    await post({ title: 'open' });
    await post({ title: 'done', completed: true });
    await ask(`${root}?completed=true`, { method: 'DELETE' });
    expect(await list()).toMatchObject([{ title: 'open' }]);
  });

  it('a page from anywhere may use it', async () => {
    const allows = (answer: Answer) => answer.headers['access-control-allow-origin'];
    const { json: created } = await post({ title: 'a' });
    for (const [url, method] of [
      [root, 'DELETE'],
      [created.url as string, 'PATCH'],
    ] as const) {
      const preflight = await ask(url, {
        method: 'OPTIONS',
        headers: {
          Origin: 'http://elsewhere.example',
          'Access-Control-Request-Method': method,
          'Access-Control-Request-Headers': 'content-type',
        },
      });
      expect([preflight.status, allows(preflight)]).toEqual([204, '*']);
      expect(preflight.headers['access-control-allow-methods']).toContain(method);
      expect(preflight.headers['access-control-allow-headers']).toMatch(/content-type/i);
    }
    expect(allows(await ask(root))).toBe('*');
    expect(allows(await ask(`${root}/nothing`))).toBe('*');
    expect((await ask(root)).headers['access-control-expose-headers']).toContain('X-Hotspare-Mode');
  });

  it('behind a balancer the urls are the ones the client can use', async () => {
    const headers = { Host: 'todo.example:8080', 'X-Forwarded-Proto': 'https' };
    const { json } = await ask(root, { method: 'POST', body: { title: 'a' }, headers });
    expect(json.url).toMatch(/^https:\/\/todo\.example:8080\/todos\/[0-9a-f-]{36}$/);
  });

  it('says who served it, in which mode, and where it read', async () => {
    expect((await ask(root)).headers).toMatchObject({
      'x-served-by': 'box1',
      'x-hotspare-mode': 'read-write',
      'x-hotspare-read-from': `127.0.0.1:${postgres.port}`,
      'x-hotspare-read-role': 'primary',
    });
    expect((await post({ title: '' })).headers).toMatchObject({
      'x-served-by': 'box1',
      'x-hotspare-mode': 'read-write',
    });
  });

  it('texts that look like SQL are texts', async () => {
    const title = `'); DROP TABLE todo.todos; -- \\' $1 %s`;
    expect((await post({ title })).json.title).toBe(title);
    expect(await list()).toMatchObject([{ title }]);
  });
});
