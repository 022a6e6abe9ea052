import type { BrowserContext, Page } from 'playwright-core';
import { expect, test } from 'vitest';
import { chromiumPath, openBrowser } from '../../support/programs/browser.js';
import { boxes } from '../support/vagrant-boxes.js';

if (chromiumPath === undefined)
  console.warn('SKIPPED: pages of the real boxes in a browser, because chromium is not installed');

/** A test with a browser of its own, which takes the boxes' certificate. */
export function pageTest(name: string, body: (context: BrowserContext) => Promise<void>): void {
  test.skipIf(chromiumPath === undefined)(name, async () => {
    const { context, close } = await openBrowser({ ignoreHTTPSErrors: true });
    try {
      await body(context);
    } finally {
      await close();
    }
  });
}

export async function openTodos(context: BrowserContext, url: string): Promise<Page> {
  const page = await context.newPage();
  await page.goto(url);
  await page.getByText('Served by').waitFor();
  return page;
}

export const banner = (page: Page) => page.getByRole('status').filter({ hasText: /read-only since/i });

export async function addTodo(page: Page, title: string): Promise<void> {
  await page.locator('.new-todo').fill(title);
  await page.locator('.new-todo').press('Enter');
  await page.locator('.todo-list').getByText(title).waitFor();
}

export function page(): void {
  pageTest(
    'the todo page in a browser: what is added through one balancer is on the other, by http and https',
    async (context) => {
      const urls = boxes.urls().flatMap((url) => [url, url.replace('http:', 'https:')]);
      const pages = [];
      for (const url of urls) pages.push(await openTodos(context, url));
      for (const [index, one] of pages.entries()) {
        await addTodo(one, `added through ${urls[index]}`);
        for (const other of pages) await other.getByText(`added through ${urls[index]}`).waitFor();
      }
      const served = await Promise.all(pages.map((one) => one.getByText('Served by').textContent()));
      console.log(
        `pages: ${urls.length} urls, each sees what the others add; ${served.map((text) => text?.trim()).join(', ')}`,
      );
      expect(urls).toHaveLength(4);
    },
  );
}
