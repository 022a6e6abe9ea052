import { beforeAll, expect, test } from 'vitest';
import { TestLab } from '../support/lab.js';
import { usageOf } from '../support/programs/usage.js';
import { eventuallyMs } from '../support/patience.js';

const lab = new TestLab();
beforeAll(() => lab.up());
beforeAll(() => lab.waitForMode('read-write', eventuallyMs));

/** A program that has just started is still being compiled; and long enough that one tick of the kernel's clock does not matter. */
const isAll = process.env['HOTSPARE_TEST_ALL'] === '1';
const settleMs = isAll ? 120_000 : 0;
const measureMs = isAll ? 60_000 : 15_000;

test('what an idle lab costs', { timeout: 300_000 }, async () => {
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const units = lab.status().boxes.flatMap((box) =>
    box.services.map((service) => ({
      unit: `${service.name}@${box.name}`,
      program: service.name,
      pid: service.pid,
    })),
  );
  const before = units.map(({ pid }) => usageOf(pid as number));
  const startedMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, measureMs));
  const seconds = (performance.now() - startedMs) / 1_000;
  const rows = units.map(({ unit, program, pid }, index) => {
    const now = usageOf(pid as number);
    return {
      unit,
      program,
      pssMb: now.pssMb,
      core: ((now.cpuSeconds - (before[index]?.cpuSeconds ?? 0)) / seconds) * 100,
    };
  });
  for (const row of rows)
    console.log(
      `${row.unit.padEnd(16)} ${row.pssMb.toFixed(0).padStart(4)} MB  ${row.core.toFixed(2).padStart(5)} %`,
    );
  for (const box of ['pg1', 'pg2']) {
    const ours = rows.filter(({ unit }) => [`agent@${box}`, `keeper@${box}`].includes(unit));
    const sum = (of: 'pssMb' | 'core') => ours.reduce((total, row) => total + row[of], 0);
    console.log(
      `agent and keeper of ${box}: ${sum('pssMb').toFixed(0)} MB, ${sum('core').toFixed(2)} % of one core`,
    );
  }
  const total = {
    pssMb: rows.reduce((sum, row) => sum + row.pssMb, 0),
    core: rows.reduce((sum, row) => sum + row.core, 0),
  };
  console.log(`idle lab: ${total.pssMb.toFixed(0)} MB (PSS), ${total.core.toFixed(1)} % of one core`);
  expect(total.pssMb).toBeLessThan(1_200);
  // Time on a shared machine is no figure to fail on; this bound only catches a loop gone wild, which takes what it can get of a core.
  expect(rows.filter(({ core }) => core > 60)).toEqual([]);
  for (const row of rows.filter(({ program }) => program === 'agent')) expect(row.pssMb).toBeLessThan(90);
});
