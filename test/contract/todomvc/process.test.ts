import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type RealPostgres } from '../../support/postgres.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { ask, readEvents } from '../../todomvc/app-under-test.js';
import { BuiltApp } from '../../todomvc/built-app.js';

let built: BuiltApp;
let postgres: RealPostgres;

beforeAll(async () => {
  [built, postgres] = await Promise.all([BuiltApp.build(), startPostgres()]);
});
afterAll(async () => {
  await built?.remove();
  await postgres?.destroy();
});
afterEach(() => built.stopAll());

/** Time enough to see it, even on a busy machine. */
const drain = { DRAIN_MIN_MS: '2500', DRAIN_QUIET_MS: '200', DRAIN_MAX_MS: '60000' };

describe('starting', () => {
  it('two apps at once on an empty database migrate it once', async () => {
    await postgres.query('DROP SCHEMA IF EXISTS todo CASCADE');
    const apps = await Promise.all(
      [1, 2].map((n) => built.start({ DATABASE_URL: postgres.url(), BOX: `box${n}` })),
    );
    const migrated = () => apps.flatMap(({ log }) => log.filter(({ msg }) => msg === 'schema migrated'));
    await waitFor('the migration', eventuallyMs, () => migrated().length > 0);
    for (const app of apps) expect(await ask(`${app.url}/todos`)).toMatchObject({ status: 200, json: [] });
    expect(migrated().map(({ applied }) => applied)).toEqual([['0001_todos']]);
    expect(await postgres.query('SELECT name FROM todo.migrations')).toEqual([['0001_todos']]);
    for (const app of apps) expect(app.log.filter(({ level }) => level === 'error')).toEqual([]);
  });

  it('works with a schema owner and an app role that may only touch rows', async () => {
    await postgres.administer([
      `CREATE ROLE todo_migrate LOGIN PASSWORD 'm'`,
      `CREATE ROLE todo_app LOGIN PASSWORD 'a'`,
      `CREATE DATABASE roles`,
    ]);
    await postgres.administer(
      [
        `CREATE SCHEMA todo AUTHORIZATION todo_migrate`,
        `GRANT USAGE ON SCHEMA todo TO todo_app`,
        `ALTER DEFAULT PRIVILEGES FOR ROLE todo_migrate IN SCHEMA todo GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO todo_app`,
        `ALTER DEFAULT PRIVILEGES FOR ROLE todo_migrate IN SCHEMA todo GRANT USAGE ON SEQUENCES TO todo_app`,
      ],
      'roles',
    );
    const url = (user: string) => `postgres://${user}@127.0.0.1:${postgres.port}/roles`;
    const app = await built.start({
      DATABASE_URL: url('todo_app:a'),
      MIGRATION_DATABASE_URL: url('todo_migrate:m'),
    });
    const created = await ask(`${app.url}/todos`, { method: 'POST', body: { title: 'x' } });
    expect(created.status).toBe(201);
    const patch = { method: 'PATCH', body: { completed: true } };
    expect(await ask(String(created.json.url), patch)).toMatchObject({
      status: 200,
      json: { completed: true },
    });
    expect((await ask(`${app.url}/todos`, { method: 'DELETE' })).status).toBe(204);
  });

  it('without any database it starts, is healthy, and says what it lacks', async () => {
    const nobody = createServer().listen(0, '127.0.0.1');
    await once(nobody, 'listening');
    const { port } = nobody.address() as AddressInfo;
    nobody.close();
    const app = await built.start({ DATABASE_URL: `postgres://app:app@127.0.0.1:${port}/app` });
    expect((await ask(`${app.url}/healthz`)).status).toBe(200);
    expect((await ask(`${app.url}/`)).status).toBe(200);
    expect(await ask(`${app.url}/todos`)).toMatchObject({
      status: 503,
      json: { type: 'urn:hotspare:problem:down' },
    });
    expect(await app.end('SIGTERM')).toBe(0);
  });
});

describe('a setting nobody can work with is one sentence and no stack trace', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-todomvc-settings-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const url = 'postgres://app:hidden-word@127.0.0.1:1/app';

  it.each([
    ['no database', {}, 2, /DATABASE_URL is missing/],
    ['a bad port', { DATABASE_URL: url, PORT: '99999' }, 2, /PORT is "99999"/],
    [
      'a password file that cannot be read',
      { DATABASE_URL: url, PASSWORD_FILE: join(folder, 'none') },
      2,
      /PASSWORD_FILE/,
    ],
    [
      'an address of another machine',
      { DATABASE_URL: url, HOST: '192.0.2.1' },
      1,
      /no address 192\.0\.2\.1; set HOST/,
    ],
  ])('%s', async (_name, env, code, sentence) => {
    const app = built.spawn(env);
    expect(await app.exited).toBe(code);
    expect(app.stderr).toMatch(sentence);
    expect(app.stderr.trim().split('\n')).toHaveLength(1);
    expect(app.stderr + app.stdout).not.toContain('hidden-word');
  });

  it('a taken port', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    const { port } = holder.address() as AddressInfo;
    const app = built.spawn({ DATABASE_URL: postgres.url(), PORT: String(port) });
    expect(await app.exited).toBe(1);
    expect(app.stderr).toContain(`another program listens at 127.0.0.1:${port}; stop it or set PORT`);
    expect(app.stderr.trim().split('\n')).toHaveLength(1);
    holder.close();
  });
});

describe('SIGTERM', () => {
  it('drains: health fails at once, requests are served, streams end, exit code 0 soon after', async () => {
    const app = await built.start({ DATABASE_URL: postgres.url(), ...drain });
    const stream = await readEvents(app.url);
    const started = performance.now();
    app.signal('SIGTERM');
    await waitFor(
      'health to fail',
      eventuallyMs,
      async () => (await ask(`${app.url}/healthz`)).status === 503,
    );
    const served = await ask(`${app.url}/todos`, { method: 'POST', body: { title: 'while draining' } });
    expect([served.status, served.headers.connection]).toEqual([201, 'close']);
    await stream.ended;
    expect(await app.exited).toBe(0);
    const tookMs = performance.now() - started;
    expect(tookMs).toBeGreaterThanOrEqual(2_490);
    expect(tookMs).toBeLessThan(eventuallyMs);
    // By time: the very last line may overtake the one that is just being written.
    const lines = [...app.log].sort((a, b) => (String(a['time']) < String(b['time']) ? -1 : 1));
    expect(lines.at(-1)?.msg).toBe('ended');
    expect(app.stderr).toBe('');
  });

  it('twice: ends now', async () => {
    const app = await built.start({ DATABASE_URL: postgres.url(), ...drain, DRAIN_MIN_MS: '60000' });
    app.signal('SIGTERM');
    await waitFor('the drain to begin', eventuallyMs, () => app.log.some(({ msg }) => msg === 'draining'));
    // Signals closer together than half a second are one.
    await new Promise((resolve) => setTimeout(resolve, 700));
    const started = performance.now();
    app.signal('SIGTERM');
    expect(await app.exited).toBe(130);
    expect(performance.now() - started).toBeLessThan(eventuallyMs);
  });
});

describe('the log', () => {
  it('has one line for each change and each failure, none for reading and health', async () => {
    const app = await built.start({ DATABASE_URL: postgres.url() });
    for (const path of ['/healthz', '/todos', '/', '/nothing']) await ask(app.url + path);
    await ask(`${app.url}/todos`, { method: 'POST', body: { title: 'a private matter' } });
    await ask(`${app.url}/todos`, { method: 'POST', body: '{' });
    await app.end('SIGTERM');
    const requests = app.log.filter(({ method }) => method !== undefined);
    expect(requests.map(({ method, path, status }) => [method, path, status])).toEqual([
      ['POST', '/todos', 201],
      ['POST', '/todos', 400],
    ]);
    expect(app.stdout).not.toContain('a private matter');
    expect(app.stdout).not.toContain('app:app@');
  });
});
