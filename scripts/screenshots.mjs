// Takes the pictures of docs/images from a lab that runs: npm start -- --detach && node scripts/screenshots.mjs
// It kills the Postgres primary of that lab for one of them, and starts it again.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';

const hotspare = (...args) =>
  execFileSync(process.execPath, ['bin/hotspare.mjs', ...args], { encoding: 'utf8' });
const { urls } = JSON.parse(hotspare('lab', 'status', '-o', 'json'));
const [todo] = urls.todo;
const profile = mkdtempSync(join(tmpdir(), 'hotspare-screenshots-'));
const context = await chromium.launchPersistentContext(profile, {
  executablePath: '/usr/bin/chromium',
  headless: true,
  viewport: { width: 900, height: 700 },
  args: [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ],
});
try {
  await fetch(`${todo}todos`, { method: 'DELETE' });
  const titles = ['Stop a web app and reload', 'Kill the primary and watch the banner', 'Start it again'];
  for (const [index, title] of titles.entries()) {
    await fetch(`${todo}todos`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ title, completed: index === 0, order: index }),
    });
  }
  const page = await context.newPage();
  await page.goto(todo);
  await page.getByText(titles[2]).waitFor();
  await page.waitForTimeout(500);
  await page.screenshot({ path: 'docs/images/todo-read-write.png' });

  hotspare('lab', 'kill', 'pg@pg1');
  await page
    .getByRole('status')
    .filter({ hasText: /read-only/i })
    .waitFor({ timeout: 30_000 });
  await page.waitForTimeout(500);
  await page.screenshot({ path: 'docs/images/todo-read-only.png' });
  hotspare('lab', 'start', 'pg@pg1');

  const consul = await context.newPage();
  await consul.setViewportSize({ width: 1100, height: 560 });
  await page.waitForTimeout(3_000);
  await consul.goto(`${urls.consul}/dc1/services`);
  await consul.getByText('todomvc').first().waitFor({ timeout: 30_000 });
  await consul.waitForTimeout(1_000);
  await consul.screenshot({ path: 'docs/images/consul-services.png' });
  await consul.goto(`${urls.consul}/dc1/services/pg`);
  await consul.getByText('pg1').first().waitFor({ timeout: 30_000 });
  await consul.waitForTimeout(1_000);
  await consul.screenshot({ path: 'docs/images/consul-pg.png' });
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true });
}
