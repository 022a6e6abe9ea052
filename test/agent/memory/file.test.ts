import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { MemoryFile } from '../../../agent/memory/file.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { keptLog } from '../../fakes/kept-log.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-memory-'));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'deep', 'last-state.json');
const content = { pg: { kind: 'passing', role: 'primary', sinceMs: 5 } } as const;

test('what was written is read again, folder and all', async () => {
  const memory = new MemoryFile(file, systemClock, keptLog());
  memory.write({});
  memory.write(content);
  await waitFor('the newest content', eventuallyMs, () => readFileSync(file, 'utf8').includes('primary'));
  expect(await memory.read()).toEqual(content);
});

test.each([
  ['no file', undefined],
  ['half a file', '{"pg": {"ki'],
  ['something else', '[1]'],
  ['an impossible role', '{"pg": {"kind": "passing", "role": "king", "sinceMs": 5}}'],
])('%s is as good as nothing', async (_, text) => {
  const other = `${folder}.json`;
  if (text !== undefined) writeFileSync(other, text);
  expect(await new MemoryFile(other, systemClock, keptLog()).read()).toEqual({});
  rmSync(other, { force: true });
});

test('a disk that takes nothing is complained of once', async () => {
  const log = keptLog();
  const memory = new MemoryFile('/dev/full/last-state.json', systemClock, log);
  memory.write(content);
  await waitFor('the complaint', eventuallyMs, () => log.lines.length > 0);
  memory.write({});
  memory.write(content);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(log.lines).toEqual([expect.stringContaining('cannot be written')]);
});
