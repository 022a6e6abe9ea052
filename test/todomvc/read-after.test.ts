import { randomUUID } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { cookieWith, outcomeOf, readAfter } from '../../todomvc/core/read-after.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';
import { ask, readEvents, startTestApp, type AppUnderTest } from './app-under-test.js';
import { FakeDatabase } from './fake-database.js';

describe('the tokens of a request', () => {
  it.each([
    [undefined, undefined, []],
    ['', undefined, []],
    ['hotspare_after=T', undefined, ['T']],
    ['a=1; hotspare_after=T; b=2', undefined, ['T']],
    ['hotspare_after=T; hotspare_after=U', undefined, ['T', 'U']],
    ['not_hotspare_after=T', undefined, []],
    ['hotspare_after=', undefined, []],
    ['hotspare_after=T; hotspare_after=no good', undefined, []],
    [`hotspare_after=${'x'.repeat(65)}`, undefined, []],
    [undefined, 'H', ['H']],
    ['hotspare_after=T', 'H', ['H', 'T']],
    ['hotspare_after=T', 'newest', []],
    ['hotspare_after=T', "'; --", []],
    ['hotspare_after=T', '', []],
  ])('cookie %j, header %j', (cookie, header, tokens) => {
    expect(readAfter({ cookie, header })).toEqual(tokens);
  });
});

describe('what is left with a client', () => {
  it.each([
    [200, 'done'],
    [201, 'done'],
    [204, 'done'],
    [400, 'nothing'],
    [404, 'done'],
    [409, 'done'],
    [413, 'nothing'],
    [500, 'unknown'],
    [503, 'nothing'],
    [504, 'unknown'],
  ])('after %i: %s', (status, outcome) => {
    expect(outcomeOf(status)).toBe(outcome);
  });

  it('a cookie that scripts do not see and other sites do not send', () => {
    expect(cookieWith('T', false)).toBe('hotspare_after=T; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax');
    expect(cookieWith('T', true)).toMatch(/; Secure$/);
    expect(cookieWith(null, false)).toMatch(/^hotspare_after=; .*Max-Age=0;/);
  });
});

describe('the app', () => {
  let open: AppUnderTest[] = [];
  afterEach(async () => {
    await Promise.all(open.map((app) => app.close()));
    open = [];
  });
  async function start() {
    const database = new FakeDatabase();
    const app = await startTestApp(database);
    open.push(app);
    return { url: app.url, database };
  }
  const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
    ask(`${url}/todos`, { method: 'POST', body, headers });
  const cookieOf = (answer: { headers: Record<string, unknown> }) =>
    (answer.headers['set-cookie'] as string[] | undefined)?.[0];

  it('gives a token with every change, and reads with what it gets back', async () => {
    const { url, database } = await start();
    const created = await post(url, { title: 'x' });
    expect(cookieOf(created)).toMatch(/^hotspare_after=token-1; /);
    expect(created.headers['x-hotspare-read-after']).toBe('token-1');
    const { url: one } = created.json as { url: string };
    for (const change of [
      () => ask(one, { method: 'PATCH', body: { completed: true } }),
      () => ask(one, { method: 'DELETE' }),
      () => ask(one, { method: 'DELETE' }),
      () => ask(`${url}/todos`, { method: 'DELETE' }),
    ])
      expect(cookieOf(await change())).toMatch(/^hotspare_after=token-\d; /);
    const cookie = 'theme=dark; hotspare_after=token-1';
    const list = await ask(`${url}/todos`, { headers: { cookie } });
    expect(list.headers).toMatchObject({ 'x-hotspare-read-role': 'replica' });
    expect(cookieOf(list)).toBeUndefined();
    await ask(`${url}/todos/${randomUUID()}`, { headers: { cookie, 'X-Hotspare-Read-After': 'other' } });
    await ask(`${url}/todos`, { headers: { cookie, 'X-Hotspare-Read-After': 'newest' } });
    expect((await ask(`${url}/todos`)).headers).toMatchObject({ 'x-hotspare-read-role': 'primary' });
    expect(database.readAfter).toEqual([['token-1'], ['other', 'token-1'], [], []]);
  });

  it('takes it back when a change may have happened, and leaves it when none did', async () => {
    const { url, database } = await start();
    database.failNextWrite('outcome-unknown', { stored: true });
    expect(cookieOf(await post(url, { title: 'x' }))).toMatch(/^hotspare_after=; .*Max-Age=0/);
    expect(cookieOf(await post(url, { title: 7 }))).toBeUndefined();
    database.setMode('read-only');
    expect(cookieOf(await post(url, { title: 'x' }))).toBeUndefined();
  });

  it('is secure where the client came by https', async () => {
    const { url } = await start();
    const answer = await post(url, { title: 'x' }, { 'X-Forwarded-Proto': 'https' });
    expect(cookieOf(answer)).toMatch(/; Secure$/);
  });

  it('tells pages of a change with a token that includes it', async () => {
    const { url, database } = await start();
    const events = await readEvents(url);
    await post(url, { title: 'x' });
    await waitFor('the event', eventuallyMs, () => events.events.some(({ event }) => event === 'todos'));
    expect(events.events.find(({ event }) => event === 'todos')!.data).toEqual({ after: 'token-1' });
    database.setMode('read-only');
    events.close();
  });
});
