import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { takeEveryCore } from './busy.js';

/** Ticks of processor time of each busy process that we have started. */
function ticks(): number[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      if (!readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('busy-process.mjs')) return [];
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
      return Number(fields[1]) === process.pid ? [Number(fields[11])] : [];
    } catch {
      return [];
    }
  });
}

test('busy processes take processor time, and end when told', async () => {
  const stop = takeEveryCore(2);
  try {
    await waitFor(
      'both to have worked',
      eventuallyMs,
      () => ticks().filter((used) => used > 20).length === 2,
    );
  } finally {
    stop();
  }
  await waitFor('their end', eventuallyMs, () => ticks().length === 0);
  expect(ticks()).toEqual([]);
});
