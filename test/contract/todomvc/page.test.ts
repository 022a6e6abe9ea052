import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { chromiumPath } from '../../support/programs/browser.js';
import { eventuallyMs, toldMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { waitFor } from '../../support/wait.js';
import { startTestApp, type AppUnderTest } from '../../todomvc/app-under-test.js';
import { FakeDatabase } from '../../todomvc/fake-database.js';
import * as todo from '../../todomvc/todo-page.js';

/** The browser's types are not known here. */
interface TextField {
  setSelectionRange(from: number, to: number): void;
}

if (chromiumPath === undefined)
  console.warn(
    'SKIPPED: the page in a real browser, because chromium is not installed (apt-get install chromium)',
  );

describe.skipIf(chromiumPath === undefined)('the page in a real browser', () => {
  let browser: Browser;
  let database: FakeDatabase;
  let app: AppUnderTest;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    browser = await todo.launchBrowser();
  });
  afterAll(() => browser?.close());

  beforeEach(async () => {
    database = new FakeDatabase();
    app = await startTestApp(database);
    faults = [];
    page = await open();
  });
  afterEach(async () => {
    await page.context().close();
    await app.close();
    expect(faults).toEqual([]);
  });

  const open = (url = app.url) => todo.openTodoPage(browser, url, faults);
  const newTodo = (on = page) => on.locator('.new-todo');
  const row = (title: string, on = page) => todo.row(title, on);
  const titles = (on = page) => todo.titles(on);
  const { has } = todo;
  const bannerSays = (text: string | RegExp, on = page) => todo.bannerSays(text, on);
  const bannerEmpty = (on = page) => todo.bannerEmpty(on);

  async function add(...wanted: string[]): Promise<void> {
    await newTodo().focus();
    for (const title of wanted) {
      await page.keyboard.type(title);
      await page.keyboard.press('Enter');
    }
    await waitFor('the todos to be stored', eventuallyMs, async () => {
      const stored = (await database.list()).value.map(({ title }) => title);
      return wanted.every((title) => stored.includes(title.trim()));
    });
  }
  async function edit(title: string): Promise<Locator> {
    await row(title).locator('label').dblclick();
    return page.locator('.todo-list li.editing .edit');
  }

  it('starts empty, with the caret in the field for a new todo', async () => {
    expect(await page.evaluate('document.activeElement.className')).toBe('new-todo');
    expect(await page.locator('.main').isVisible()).toBe(false);
    expect(await page.locator('.footer').isVisible()).toBe(false);
    expect(await todo.bannerText(page)).toBe('');
  });

  it('adds trimmed todos as fast as they are typed, and no blank ones', async () => {
    await add('  milk ', 'bread', 'tea');
    await newTodo().fill('   ');
    await newTodo().press('Enter');
    expect(await titles()).toEqual(['milk', 'bread', 'tea']);
    expect((await database.list()).value.map(({ title }) => title)).toEqual(['milk', 'bread', 'tea']);
    expect(await page.locator('.todo-count').innerText()).toBe('3 items left');
  });

  it('marks one, counts, filters, and clears the completed', async () => {
    await add('milk', 'bread');
    expect(await page.locator('.clear-completed').isVisible()).toBe(false);
    await row('milk').locator('.toggle').check();
    await has('the count', () => page.locator('.todo-count').innerText(), '1 item left');
    expect(await row('milk').getAttribute('class')).toContain('completed');
    for (const [filter, shown] of [
      ['Active', ['bread']],
      ['Completed', ['milk']],
      ['All', ['milk', 'bread']],
    ] as const) {
      await page.getByRole('link', { name: filter }).click();
      await has(filter, titles, shown);
      expect(await page.locator('.filters a.selected').innerText()).toBe(filter);
    }
    await page.goto(`${app.url}/#/completed`);
    await has('the filter of the address', titles, ['milk']);
    await page.locator('.clear-completed').click();
    await has('the stored ones', async () => (await database.list()).value.map(({ title }) => title), [
      'bread',
    ]);
  });

  it('marks all, and none', async () => {
    await add('milk', 'bread');
    const completed = async () => (await database.list()).value.map((todo) => todo.completed);
    const all = page.getByText('Mark all as complete');
    await all.click();
    await has('completed', completed, [true, true]);
    expect(await page.locator('.toggle-all').isChecked()).toBe(true);
    await row('bread').locator('.toggle').uncheck();
    await has('completed', completed, [true, false]);
    expect(await page.locator('.toggle-all').isChecked()).toBe(false);
    await all.click();
    await has('completed', completed, [true, true]);
    await all.click();
    await has('completed', completed, [false, false]);
  });

  it('edits by double click: enter and blur save, escape does not, nothing left removes', async () => {
    await add('milk', 'bread');
    const field = await edit('milk');
    expect(await field.inputValue()).toBe('milk');
    await field.fill('  oat milk ');
    await field.press('Enter');
    await has('the titles', titles, ['oat milk', 'bread']);

    await (await edit('bread')).fill('rolls');
    await newTodo().click();
    await has('the titles', titles, ['oat milk', 'rolls']);

    const undone = await edit('rolls');
    await undone.fill('other');
    await undone.press('Escape');
    expect(await titles()).toEqual(['oat milk', 'rolls']);

    const emptied = await edit('rolls');
    await emptied.fill(' ');
    await emptied.press('Enter');
    await has('the stored ones', async () => (await database.list()).value.map(({ title }) => title), [
      'oat milk',
    ]);
  });

  it('removes one, and shows a title as the text it is', async () => {
    await add('<b>bold</b>');
    expect(await titles()).toEqual(['<b>bold</b>']);
    await row('bold').hover();
    await row('bold').locator('.destroy').click();
    await has('the stored ones', async () => (await database.list()).value, []);
    expect(await page.locator('.main').isVisible()).toBe(false);
  });

  it('keeps two pages in step, and everything over a reload', async () => {
    const other = await open();
    await add('milk');
    await has('the other page', () => titles(other), ['milk']);
    await row('milk', other).locator('.toggle').check();
    await has('this page', () => row('milk').locator('.toggle').isChecked(), true);
    await other.context().close();
    await page.reload();
    await has('the titles', titles, ['milk']);
    expect(await row('milk').locator('.toggle').isChecked()).toBe(true);
  });

  it('read-only: says so at once without reload, edits are off, filters work, typed text stays; and back', async () => {
    await add('milk', 'bread');
    await row('bread').locator('.toggle').check();
    await page.evaluate('window.sameDocument = true');
    const field = await edit('milk');
    await field.fill('milk, half edit');
    await newTodo().evaluate((input: { value: string }) => (input.value = 'half typed'));

    const gone = performance.now();
    database.setMode('read-only', 'primary 192.0.2.1:5432 refused the connection', new Date());
    await bannerSays(/Read-only since .*\d/);
    // Told, not found out: a page that hears nothing asks anew after 10 s.
    const tookMs = performance.now() - gone;
    console.log(`read-only: told on the page after ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeLessThan(toldMs);
    await bannerSays('primary 192.0.2.1:5432 refused the connection');

    expect(await newTodo().isDisabled()).toBe(true);
    expect(await row('bread').locator('.toggle').isDisabled()).toBe(true);
    expect(await page.locator('.toggle-all').isDisabled()).toBe(true);
    expect(await page.locator('.clear-completed').isDisabled()).toBe(true);
    expect(await field.getAttribute('aria-disabled')).toBe('true');
    await field.press('Enter');
    await page.getByRole('link', { name: 'Completed' }).click();
    await row('bread').waitFor();
    expect(await row('bread').locator('.destroy').isDisabled()).toBe(true);
    await row('bread').locator('label').dblclick();
    expect(await page.locator('.todo-list li.editing').count()).toBe(1);
    await page.getByRole('link', { name: 'All' }).click();
    expect(await field.inputValue()).toBe('milk, half edit');
    expect(await newTodo().inputValue()).toBe('half typed');
    await page.locator('.served', { hasText: '192.0.2.2:5432 (hot spare)' }).waitFor();

    database.setMode('read-write');
    await bannerEmpty();
    await field.press('Enter');
    await has('the titles', titles, ['milk, half edit', 'bread']);
    await newTodo().press('Enter');
    await has('the titles', titles, ['milk, half edit', 'bread', 'half typed']);
    expect(await page.evaluate('window.sameDocument')).toBe(true);
  });

  it('gives the caret back where it was', async () => {
    await newTodo().focus();
    await page.keyboard.type('one three');
    await newTodo().evaluate((input: TextField) => input.setSelectionRange(4, 4));
    database.setMode('read-only');
    await bannerSays('Read-only');
    database.setMode('read-write');
    await bannerEmpty();
    await page.keyboard.type('two ');
    expect(await newTodo().inputValue()).toBe('one two three');
  });

  it('down: says so, and goes on showing what was read last', async () => {
    await add('milk');
    database.setMode('down');
    await bannerSays(/No database since/);
    expect(await titles()).toEqual(['milk']);
    database.setMode('read-write');
    await bannerEmpty();
  });

  it('an unconfirmed write is kept, told, and stored once', async () => {
    database.failNextWrite('outcome-unknown', { stored: true });
    await newTodo().fill('milk');
    await newTodo().press('Enter');
    await bannerSays(/1 change is not saved yet.*not known whether it was stored/);
    await bannerEmpty();
    expect(await titles()).toEqual(['milk']);
    expect((await database.list()).value).toHaveLength(1);
  });

  it('a write refused while the mode was changing is kept, marked, and stored when it can be', async () => {
    // The page has not heard of the change of mode yet when it sends.
    const refused = page.waitForResponse((response) => response.status() === 503);
    await page.route('**/todos', async (route) => {
      if (route.request().method() === 'POST' && database.mode.mode === 'read-write')
        database.setMode('read-only');
      await route.continue();
    });
    await newTodo().fill('milk');
    await newTodo().press('Enter');
    await refused;
    await bannerSays('1 change is not saved yet');
    expect(await row('milk').getAttribute('class')).toContain('unsaved');
    await page.unroute('**/todos');
    database.setMode('read-write');
    await bannerEmpty();
    expect((await database.list()).value.map(({ title }) => title)).toEqual(['milk']);
  });

  it('the app lost: says it is reconnecting, keeps what is added meanwhile, and goes on when it is back', async () => {
    const [port] = (await freePorts(1)) as [number];
    const first = await startTestApp(database, { port });
    const here = await open(first.url);
    await first.close();
    await bannerSays('Reconnecting', here);
    await newTodo(here).fill('offline');
    await newTodo(here).press('Enter');
    await bannerSays(/1 change is not saved yet/, here);
    expect(await titles(here)).toEqual(['offline']);
    const second = await startTestApp(database, { port });
    await bannerEmpty(here);
    await has('the stored ones', async () => (await database.list()).value.map(({ title }) => title), [
      'offline',
    ]);
    await here.context().close();
    await second.close();
  });

  it('a server that went silent is noticed', async () => {
    const silent = await startTestApp(database, { events: { beatMs: 3_600_000 } });
    const here = await open(silent.url);
    const again = here.waitForRequest('**/events', { timeout: eventuallyMs });
    await again;
    await here.context().close();
    await silent.close();
  });
});
