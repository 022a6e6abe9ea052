import { expect, test } from 'vitest';
import { chromiumPath, openBrowser } from '../../support/programs/browser.js';
import { get } from '../../support/lab.js';
import { load } from '../../support/load.js';
import { waitFor } from '../../support/wait.js';
import { catalogue, untilWell } from '../support/health.js';
import { boxes } from '../support/vagrant-boxes.js';

export function webApp(): void {
  test('sudo service todomvc stop on nginx1: no request fails, nginx2 serves, the Consul UI shows it gone; start brings it back', async () => {
    const urls = boxes.urls();
    const size = { urls, concurrency: 6, postEvery: 4, keepAlive: false } as const;
    let stopped: Promise<unknown> | undefined;
    let hasStopped = false;
    const results = [];
    do {
      results.push(
        await load({
          ...size,
          requests: 300,
          onProgress: (ended) => {
            if (ended < 100) return;
            stopped ??= boxes.ssh('nginx1', 'sudo service todomvc stop').finally(() => (hasStopped = true));
          },
        }),
      );
    } while (!hasStopped);
    await stopped;
    const failed = results.flatMap((one) => one.failed);
    const slowest = Math.max(...results.map(({ slowestMs }) => slowestMs));
    console.log(
      `todomvc stopped on nginx1 under load: ${results.length * 300} requests on fresh connections, ${failed.length} failed, slowest ${slowest.toFixed(0)} ms`,
    );
    expect(failed).toEqual([]);
    const after = await load({ ...size, requests: 200 });
    expect([after.failed, [...new Set(after.servedBy)]]).toEqual([[], ['nginx2']]);
    expect(await catalogue()).not.toContain('todomvc on nginx1');
    await onConsulUi({ nginx1: 'failing', nginx2: 'passing' });

    await boxes.ssh('nginx1', 'sudo service todomvc start');
    const backMs = await untilServedBy(['nginx1', 'nginx2']);
    console.log(`todomvc started on nginx1: served by both again after ${backMs.toFixed(0)} ms`);
    await onConsulUi({ nginx1: 'passing', nginx2: 'passing' });
    await untilWell();
  });
}

/** Until every balancer has answers from exactly these. Resolves with the ms it took. */
export async function untilServedBy(names: readonly string[], timeoutMs = 30_000): Promise<number> {
  const started = performance.now();
  await waitFor(`${names.join()} to serve through every balancer`, timeoutMs, async () => {
    for (const url of boxes.urls()) {
      const seen = new Set<string | null>();
      for (let i = 0; i < names.length * 4; i++) seen.add((await get(`${url}todos`)).servedBy);
      if ([...seen].sort().join() !== [...names].sort().join()) return false;
    }
    return true;
  });
  return performance.now() - started;
}

/** What a person sees on the page of the service: which of its instances pass and which do not. */
async function onConsulUi(shown: Readonly<Record<string, 'passing' | 'failing'>>): Promise<void> {
  if (chromiumPath === undefined) return;
  const { context, close } = await openBrowser();
  try {
    const page = await context.newPage();
    await page.goto(`${boxes.consul}/ui/dc1/services/todomvc/instances`);
    for (const [box, state] of Object.entries(shown)) {
      const line = page.getByRole('listitem').filter({ hasText: `todomvc@${box}` });
      await line.getByText(`All service checks ${state}`).waitFor();
    }
  } finally {
    await close();
  }
}
