import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { toldMs } from '../../support/patience.js';
import { untilWell } from '../support/health.js';
import { failures, slowest, SteadyLoad } from '../support/steady.js';
import { boxes } from '../support/vagrant-boxes.js';
import { readOnlyMs, reads } from './database.js';

export function power(): void {
  test('power cut of pg1: read-only, reads go on; power back: read-write by itself', async () => {
    const { sent, load, cutMs, wellMs } = await powerCut('pg1', boxes.urls());
    const toReadOnlyMs = readOnlyMs(sent, load, cutMs);
    console.log(
      `power cut of pg1: read-only for all after ${toReadOnlyMs.toFixed(0)} ms, slowest of ${sent.length} requests ${slowest(sent).toFixed(0)} ms; all well ${(wellMs / 1000).toFixed(1)} s after power-on`,
    );
    expect(toReadOnlyMs).toBeLessThan(toldMs);
    expect(failures(reads(sent))).toEqual([]);
    expect(slowest(sent)).toBeLessThan(toldMs);
  });

  test.each(['pg2', 'nginx1', 'adm1'])(
    'power cut of %s: reads and writes go on; power back: whole again by itself',
    async (box) => {
      const urls = boxes.urls().filter((url) => !url.includes(boxes.address(box)));
      const { sent, cutMs, wellMs } = await powerCut(box, urls);
      const failed = failures(sent);
      const writes = sent.filter(
        ({ method, sentMs, status }) => method === 'POST' && sentMs > cutMs && status === 201,
      );
      console.log(
        `power cut of ${box}: ${sent.length} requests, ${failed.length} failed, ${writes.length} written after it, slowest ${slowest(sent).toFixed(0)} ms; all well ${(wellMs / 1000).toFixed(1)} s after power-on`,
      );
      // Only what was on its way to the lost box itself can be in doubt.
      const inFlight =
        box === 'nginx1'
          ? sent.filter(({ sentMs, tookMs }) => sentMs < cutMs && sentMs + tookMs > cutMs)
          : [];
      const after = sent.filter((one) => !inFlight.includes(one));
      expect(failures(after)).toEqual([]);
      expect(slowest(after)).toBeLessThan(toldMs);
      expect(writes.length).toBeGreaterThan(0);
    },
  );
}

/** Cuts the power under load and gives it back 4 s later. `wellMs`: from then until all is well. */
async function powerCut(box: string, urls: readonly string[]) {
  const load = new SteadyLoad(urls);
  await delay(500);
  const cutMs = performance.now();
  await boxes.powerOff(box);
  await delay(4_000);
  await boxes.powerOn(box);
  const wellMs = await untilWell();
  const sent = await load.stop();
  return { sent, load, cutMs, wellMs };
}
