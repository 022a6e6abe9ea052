import type { BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { chromiumPath, openBrowser } from '../support/programs/browser.js';
import { TestLab, request } from '../support/lab.js';
import { eventuallyMs, toldMs } from '../support/patience.js';

if (chromiumPath === undefined)
  console.warn('SKIPPED: the pages in a real browser, because chromium is not installed');

describe.skipIf(chromiumPath === undefined)('in a real browser, through the load balancers', () => {
  const lab = new TestLab();
  let urls: readonly string[] = [];
  let context: BrowserContext;
  let close: () => Promise<void>;

  beforeAll(async () => {
    await lab.up();
    urls = lab.status().urls.todo;
    await request(`${urls[0]}todos`, { method: 'DELETE' });
    ({ context, close } = await openBrowser());
  });
  afterAll(async () => {
    await close?.();
    await lab.command('start', 'pg@pg1');
    await lab.waitForMode('read-write', eventuallyMs);
    await request(`${urls[0]}todos`, { method: 'DELETE' });
  });

  async function open(url: string | undefined): Promise<Page> {
    const page = await context.newPage();
    await page.goto(url as string);
    await page.getByText('Served by').waitFor();
    return page;
  }

  test('what is added through one balancer appears on the page of the other, without reload', async () => {
    const [first, second] = [await open(urls[0]), await open(urls[1])];
    await first.locator('.new-todo').fill('seen by both');
    await first.locator('.new-todo').press('Enter');
    await second.getByText('seen by both').waitFor();
    await first.close();
    await second.close();
  });

  test('the primary is killed: a banner without reload, typed text kept, filters work; back by itself', async () => {
    const page = await open(urls[0]);
    await page.getByText('seen by both').waitFor();
    await page.locator('.new-todo').fill('half a sent');
    process.kill(lab.pid('pg@pg1'), 'SIGKILL');
    const killedMs = performance.now();
    await page
      .getByRole('status')
      .filter({ hasText: /read-only since/i })
      .waitFor();
    const bannerMs = performance.now() - killedMs;
    console.log(`kill pg1: banner on the page after ${bannerMs.toFixed(0)} ms`);
    // Told by the app: a page that hears nothing asks anew after 10 s.
    expect(bannerMs).toBeLessThan(toldMs);
    expect(await page.locator('.new-todo').inputValue()).toBe('half a sent');
    expect(await page.locator('.todo-list .toggle').first().isDisabled()).toBe(true);
    await page.getByRole('link', { name: 'Completed' }).click();
    await page.getByText('seen by both').waitFor({ state: 'hidden' });
    await page.getByRole('link', { name: 'All' }).click();
    await page.getByText('seen by both').waitFor();

    await lab.command('start', 'pg@pg1');
    await page
      .getByRole('status')
      .filter({ hasText: /read-only since/i })
      .waitFor({ state: 'hidden' });
    await page.locator('.new-todo').press('Enter');
    await page.locator('.todo-list').getByText('half a sent').waitFor();
    await page.close();
  });

  test('the web app a page hangs on is stopped: the page goes on with the other', async () => {
    const page = await open(urls[0]);
    await lab.command('stop', 'todomvc@nginx1');
    await page.locator('.new-todo').fill('after the stop');
    await page.locator('.new-todo').press('Enter');
    await page.locator('.todo-list').getByText('after the stop').waitFor();
    await page.getByText('Served by nginx2').waitFor();
    await lab.command('start', 'todomvc@nginx1');
    await page.close();
  });

  test('no web app at all: the balancer says what to start, and the page comes back by itself', async () => {
    await lab.command('stop', 'todomvc@all');
    const page = await context.newPage();
    const answer = await page.goto(urls[0] as string);
    expect(answer?.status()).toBe(502);
    await page.getByText('hotspare lab start todomvc@nginx1').waitFor();
    await lab.command('start', 'todomvc@all');
    await page.getByText('Served by').waitFor();
    await page.close();
  });

  test('the Consul UI shows every service healthy, and who is primary', async () => {
    await lab.waitForMode('read-write', eventuallyMs);
    const page = await context.newPage();
    const { consul } = lab.status().urls;
    await page.goto(`${consul}/dc1/services`);
    for (const name of ['nginx', 'pg', 'todomvc'])
      await page.getByText(name, { exact: true }).first().waitFor();
    expect(await page.getByText('primary').first().isVisible()).toBe(true);
    expect(await page.locator('.critical').count()).toBe(0);
    await page.close();
  });
});
