import { readFileSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { table } from '../../agent/core/lead/rows/table.js';
import { situations } from '../../agent/core/lead/view.js';
import { tableOf } from '../support/agent/failover-table.js';

const file = 'docs/FAILOVER.md';
const [start, end] = ['<!-- rows -->\n', '\n<!-- /rows -->'];

test('docs/FAILOVER.md shows the rows that decide; HOTSPARE_UPDATE=1 writes them', () => {
  const text = readFileSync(file, 'utf8');
  const from = text.indexOf(start) + start.length;
  const to = text.indexOf(end);
  expect(from).toBeGreaterThan(start.length);
  if (process.env['HOTSPARE_UPDATE'])
    writeFileSync(file, `${text.slice(0, from)}${tableOf(table)}${text.slice(to)}`);
  expect(readFileSync(file, 'utf8').slice(from, readFileSync(file, 'utf8').indexOf(end))).toBe(
    tableOf(table),
  );
});

test('each row has a name of its own, and the last fits whatever is seen', () => {
  const ids = table.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  expect(table.at(-1)).toMatchObject({ in: 'any', lease: 'any' });
  expect(table.at(-1)?.when).toBeUndefined();
});

test('every rule that a row cites is said, here or for the keeper', () => {
  const said = readFileSync(file, 'utf8') + readFileSync('docs/KEEPER.md', 'utf8');
  const rules = new Set(table.flatMap((row) => row.rules));
  expect([...rules].filter((rule) => !said.includes(`\n| ${rule} |`))).toEqual([]);
});

test('the page names every situation of a member', () => {
  const text = readFileSync(file, 'utf8');
  for (const situation of situations) expect(text).toContain(`\`${situation}\``);
});
