import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext } from 'playwright-core';
import { eventuallyMs } from '../patience.js';

/** The distribution's Chromium, or undefined: then say loudly what is skipped. */
export const chromiumPath = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
  existsSync,
);

/** It runs as root, and asks nothing of the network by itself. */
export const quietArguments = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** A browser with an empty profile of its own. */
export async function openBrowser(
  options: { readonly ignoreHTTPSErrors?: boolean } = {},
): Promise<{ context: BrowserContext; close(): Promise<void> }> {
  if (chromiumPath === undefined)
    throw new Error('chromium is not installed: run `npx hotspare setup --for-tests`');
  const profile = mkdtempSync(join(tmpdir(), 'hotspare-browser-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: chromiumPath,
    headless: true,
    viewport: { width: 900, height: 700 },
    args: quietArguments,
    ...options,
  });
  context.setDefaultTimeout(eventuallyMs);
  return {
    context,
    async close() {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}
