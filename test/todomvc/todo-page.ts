import { chromium, type Browser, type Locator, type Page } from 'playwright-core';
import { chromiumPath, quietArguments } from '../support/programs/browser.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: chromiumPath as string, args: quietArguments });
}

/** The page of the app at `url`, with a profile of its own. What goes wrong in it is added to `faults`. */
export async function openTodoPage(
  browser: Browser,
  url: string,
  faults: string[],
  viewport = { width: 900, height: 700 },
): Promise<Page> {
  const context = await browser.newContext({ viewport });
  const page = await context.newPage();
  page.setDefaultTimeout(eventuallyMs);
  page.on('pageerror', (error) => faults.push(String(error)));
  // The browser's own word for an answer with an error status is no fault of the page.
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().includes('Failed to load resource'))
      faults.push(message.text());
  });
  await page.goto(url);
  await page.locator('.served', { hasText: 'Served by box1' }).waitFor();
  return page;
}

export const rows = (page: Page) => page.locator('.todo-list li');
export const row = (title: string, page: Page): Locator => rows(page).filter({ hasText: title });
export const titles = (page: Page) => page.locator('.todo-list label').allTextContents();

const banner = (page: Page) => page.getByRole('status');
export const bannerSays = (text: string | RegExp, page: Page) =>
  banner(page).filter({ hasText: text }).waitFor();
export const bannerText = (page: Page) => banner(page).innerText();
export const bannerEmpty = (page: Page) => has('the banner', () => bannerText(page), '');

/** Waits until `read` gives `value`. */
export const has = (what: string, read: () => Promise<unknown>, value: unknown) =>
  waitFor(`${what} to be ${JSON.stringify(value)}`, eventuallyMs, async () => {
    const now = await read();
    if (JSON.stringify(now) !== JSON.stringify(value)) throw new Error(`it is ${JSON.stringify(now)}`);
    return true;
  });
