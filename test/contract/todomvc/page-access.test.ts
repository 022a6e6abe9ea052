import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Mode } from '../../../common/names.js';
import { render } from '../../../provision/files/render.js';
import { troublesOf } from '../../../provision/services/parts/troubles.js';
import { loadTopology } from '../../../provision/topology/topology.js';
import { chromiumPath } from '../../support/programs/browser.js';
import { startTestApp, type AppUnderTest } from '../../todomvc/app-under-test.js';
import { FakeDatabase } from '../../todomvc/fake-database.js';
import {
  bannerEmpty,
  bannerSays,
  bannerText,
  has,
  launchBrowser,
  openTodoPage,
  row,
  titles,
} from '../../todomvc/todo-page.js';

if (chromiumPath === undefined)
  console.warn('SKIPPED: the page by keyboard and by ear, because chromium is not installed');

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const sizes = { telephone: { width: 390, height: 844 }, desktop: { width: 1200, height: 800 } };

/** What axe finds, as lines. Where it could not tell (text over a picture, say) the ratio is worked out below. */
async function findings(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  return page.evaluate(`axe.run(document).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => id + ': ' + html)))`);
}

/** Texts below 4.5:1, also of what is off, which axe leaves out. */
function pale(page: Page): Promise<string[]> {
  return page.evaluate(`(() => {
    const channels = (colour) => { const [r, g, b, a = 1] = colour.match(/[\\d.]+/g).map(Number); return [r, g, b, a]; };
    const over = ([r, g, b, a], under) => [r, g, b].map((value, i) => value * a + under[i] * (1 - a));
    const lightness = (colour) => colour
      .map((value) => value / 255)
      .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
      .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => element === null ? [255, 255, 255]
      : over(channels(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    const faded = (element) => element === null ? 1
      : Number(getComputedStyle(element).opacity) * faded(element.parentElement);
    const ratio = (element, pseudo) => {
      const under = behind(element);
      const [r, g, b, a] = channels(getComputedStyle(element, pseudo).color);
      const text = over([r, g, b, a * faded(element)], under);
      const [dark, light] = [lightness(text), lightness(under)].sort((one, other) => one - other);
      return (light + 0.05) / (dark + 0.05);
    };
    const texts = [...document.body.querySelectorAll('*')].filter((element) =>
      element.checkVisibility() && getComputedStyle(element).fontSize !== '0px' && faded(element) > 0 &&
      [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== ''));
    const fields = [...document.querySelectorAll('.new-todo')].map((element) => [element, '::placeholder']);
    return [...texts.map((element) => [element, null]), ...fields, [document.querySelector('.new-todo'), null]]
      .filter(([element]) => element !== null)
      .map(([element, pseudo]) => [element.className || element.tagName, ratio(element, pseudo)])
      .filter(([, value]) => value < 4.5)
      .map(([name, value]) => name + ' ' + value.toFixed(1));
  })()`);
}

describe.skipIf(chromiumPath === undefined)('the page by keyboard and by ear', () => {
  let browser: Browser;
  let database: FakeDatabase;
  let app: AppUnderTest;
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(() => browser?.close());
  beforeEach(async () => {
    database = new FakeDatabase();
    app = await startTestApp(database);
    faults = [];
  });
  afterEach(async () => {
    await page.context().close();
    await app.close();
    expect(faults).toEqual([]);
  });

  async function stored(...wanted: string[]): Promise<void> {
    for (const [index, title] of wanted.entries())
      await database.create({
        id: `00000000-0000-4000-8000-${String(index).padStart(12, '0')}`,
        title,
        completed: title.startsWith('done'),
        order: index,
      });
  }
  async function open(size = sizes.desktop): Promise<void> {
    page = await openTodoPage(browser, app.url, faults, size);
  }
  async function change(mode: Mode): Promise<void> {
    database.setMode(mode, 'primary 192.0.2.1:5432 refused the connection');
    await (mode === 'read-write'
      ? bannerEmpty(page)
      : bannerSays(mode === 'down' ? 'No database' : 'Read-only', page));
  }
  const focused = () =>
    page.evaluate(`(({ className, ariaLabel, labels, ariaLabelledByElements: by }) =>
      className + ': ' + (ariaLabel ?? by?.[0]?.textContent ?? labels?.[0]?.textContent))(document.activeElement)`);
  const focusIs = (what: string) => has('focus', focused, what);
  const press = (...keys: string[]) =>
    keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), Promise.resolve());
  const bannerBox = () =>
    page.evaluate(
      `(({ top, bottom }) => [top, bottom])(document.querySelector('.banner').getBoundingClientRect())`,
    ) as Promise<[number, number]>;

  it.each(Object.entries(sizes))('no findings and no pale text in any mode: %s', async (_name, size) => {
    const long = 'A title that is long enough to be wrapped over several lines of any telephone';
    await stored('milk', 'done: bread', long, ...Array.from({ length: 22 }, (_, index) => `item ${index}`));
    await open(size);
    const seen: Record<string, string[]> = {};
    const look = async (state: string) => {
      // Colours glide.
      await page.evaluate(`Promise.allSettled(document.getAnimations()
        .filter(({ effect }) => effect.getTiming().iterations !== Infinity).map(({ finished }) => finished))`);
      seen[state] = [...(await findings(page)), ...(await pale(page))];
    };
    await look('read-write');
    await row('milk', page).getByRole('checkbox').focus();
    await press('F2');
    await look('being edited');
    await press('Escape');
    await change('read-only');
    await look('read-only');
    await change('down');
    await look('down');
    await page.reload();
    await bannerSays('No database', page);
    await look('down, nothing read');
    await change('read-write');
    await page.route('**/todos', (route) => route.fulfill({ status: 503, body: '' }));
    await page.locator('.new-todo').fill('waits');
    await page.locator('.new-todo').press('Enter');
    await bannerSays('1 change is not saved yet', page);
    await look('not saved yet');
    await page.unroute('**/todos');
    await bannerEmpty(page);
    expect(seen).toEqual(Object.fromEntries(Object.keys(seen).map((state) => [state, []])));
  });

  it('the balancers’ own pages: no findings', async () => {
    await open();
    await page.goto('about:blank');
    const topology = loadTopology('vagrant/topology.json');
    for (const trouble of troublesOf(topology, topology.boxes[0] as (typeof topology.boxes)[0])) {
      await page.setContent(
        render('provision/templates', 'trouble.html.hbs', { trouble }).replace(/<meta http.*/, ''),
      );
      expect([...(await findings(page)), ...(await pale(page))]).toEqual([]);
    }
  });

  it('each control of a todo is named after it', async () => {
    await stored('milk', 'done: bread');
    await open();
    const names = await page.locator('.todo-list').ariaSnapshot();
    for (const control of [
      'checkbox "milk"',
      'button "Edit milk"',
      'button "Remove milk"',
      'checkbox "done: bread" [checked]',
      'button "Remove done: bread"',
    ])
      expect(names).toContain(control);
    expect(await page.getByRole('checkbox', { name: 'Mark all as complete' }).count()).toBe(1);
  });

  it('everything by keyboard: mark, edit, remove, filter, clear; focus is never lost', async () => {
    await stored('milk', 'bread', 'tea');
    await open();
    await press('Tab', 'Tab');
    await focusIs('toggle: milk');
    await press('Space');
    await has('completed', async () => (await database.list()).value[0]?.completed, true);

    await press('Enter');
    await focusIs('edit: Edit milk');
    await page.keyboard.type('!');
    await press('Enter');
    await focusIs('toggle: milk!');
    await press('F2', 'Escape');
    await focusIs('toggle: milk!');
    await press('Tab', 'Enter');
    await focusIs('edit: Edit milk!');
    await press('Escape', 'Tab', 'Tab');
    await focusIs('destroy: Remove milk!');
    expect(await page.evaluate('getComputedStyle(document.activeElement).opacity')).toBe('1');
    await press('F2');
    await focusIs('edit: Edit milk!');
    await press('Escape', 'Tab', 'Tab');

    await press('Enter');
    await has('the titles', () => titles(page), ['bread', 'tea']);
    await focusIs('destroy: Remove bread');
    await press('Tab', 'Tab', 'Tab', 'Enter');
    await has('the titles', () => titles(page), ['bread']);
    await focusIs('destroy: Remove bread');
    await press('Shift+Tab', 'Shift+Tab');
    await page.goto(`${app.url}/#/active`);
    await row('bread', page).locator('.toggle').focus();
    await press('Space');
    await has('the titles', () => titles(page), []);
    await has('focus', () => page.evaluate('document.activeElement.textContent'), 'Active');
    await press('Tab', 'Tab');
    await focusIs('clear-completed: undefined');
    await press('Enter');
    await has('the stored ones', async () => (await database.list()).value, []);
    await focusIs('new-todo: New todo');
  });

  it('focus goes to the next row as well when another page removes the todo', async () => {
    await stored('milk', 'bread');
    await open();
    await row('milk', page).getByRole('checkbox').focus();
    await database.remove((await database.list()).value[0]?.id ?? '');
    await focusIs('toggle: bread');
  });

  it.each(['read-only', 'down'] as const)(
    '%s: focus stays where it is, and nothing can be changed',
    async (mode) => {
      await stored('milk', 'done: bread');
      await open();
      for (const control of [
        '.new-todo',
        '.toggle-all',
        '.toggle',
        '.rename',
        '.destroy',
        '.clear-completed',
      ]) {
        const one = page.locator(control).first();
        await one.focus();
        const before = await focused();
        await change(mode);
        expect(await focused(), control).toBe(before);
        expect(await one.isDisabled()).toBe(true);
        await press('Space', 'Enter', 'F2');
        await page.keyboard.type('x');
        expect(await focused(), control).toBe(before);
        await change('read-write');
        expect(await focused(), control).toBe(before);
      }
      expect(await page.locator('.new-todo').inputValue()).toBe('');
      expect((await database.list()).value.map(({ title, completed }) => [title, completed])).toEqual([
        ['milk', false],
        ['done: bread', true],
      ]);
      expect(await page.locator('.said').textContent()).toBe('The database can be written again.');
    },
  );

  it('the banner stays in sight, and covers nothing that has focus', async () => {
    await stored(...Array.from({ length: 25 }, (_, index) => `item ${index}`));
    await open(sizes.telephone);
    await change('read-only');
    for (const y of [0, 600, 100_000]) {
      await page.evaluate(`scrollTo(0, ${y})`);
      const [top, bottom] = await bannerBox();
      expect(top).toBeGreaterThanOrEqual(0);
      expect(bottom).toBeLessThan(sizes.telephone.height / 2);
    }
    await page.locator('.clear-completed, .filters a').first().focus();
    for (let count = 0; count < 70; count += 1) {
      await press('Shift+Tab');
      const [, bottom] = await bannerBox();
      const at = (await page.evaluate(
        `(document.activeElement.matches('.toggle') ? document.activeElement.nextElementSibling : document.activeElement).getBoundingClientRect().top`,
      )) as number;
      expect(at, (await focused()) as string).toBeGreaterThanOrEqual(bottom - 1);
    }
  });

  it('true words when nothing was read', async () => {
    await stored('milk');
    await open();
    await change('down');
    expect(await bannerText(page)).toContain('You see what was read last');
    await page.reload();
    await bannerSays(/No database.*has not read the list yet/, page);
    expect(await bannerText(page)).not.toContain('read last');
    await change('read-write');
    await has('the titles', () => titles(page), ['milk']);
  });

  it('a list that cannot be read is said, not shown as an empty one', async () => {
    await stored('milk');
    await open();
    await page.route('**/todos', (route) => route.fulfill({ status: 503, body: '' }));
    await page.reload();
    await bannerSays(/could not be read.*do not show yet/, page);
    await page.unroute('**/todos');
    await bannerEmpty(page);
    await has('the titles', () => titles(page), ['milk']);
  });

  it('says under which licence its looks are', async () => {
    await open();
    await page.getByRole('link', { name: 'CC BY 4.0' }).waitFor();
    expect(readFileSync('NOTICE.md', 'utf8')).toContain('CC-BY-4.0');
  });
});
