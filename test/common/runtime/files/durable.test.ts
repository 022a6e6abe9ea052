import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { hasContent } from '../../../../common/runtime/files/durable.js';
import { replaceFile, writeDurably } from '../../../../common/runtime/files/replace-file.js';
import type { BoxFile } from '../../../../provision/files/box-file.js';
import { writeFiles } from '../../../../provision/files/write.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-durable-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['at once', async () => writeDurably(path, 'after')],
  ['beside other work', () => replaceFile(path, 'after')],
])('replaced whole %s, with its mode, and nothing left beside it', async (_, replace) => {
  writeFileSync(path, 'before', { mode: 0o644 });
  await replace();
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777, readdirSync(folder)]).toEqual([
    'after',
    0o600,
    ['file'],
  ]);
});

test('beside other work: the event loop turns on, and what cannot be written leaves what was there', async () => {
  const writing = replaceFile(path, 'x'.repeat(1_000_000));
  let turns = 0;
  const tick = setInterval(() => (turns += 1), 0);
  await writing;
  clearInterval(tick);
  expect(turns).toBeGreaterThan(0);
  await expect(replaceFile(join(folder, 'none', 'file'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
  expect(readdirSync(folder)).toEqual(['file']);
});

test('a file of no bytes is as good as none', () => {
  expect(hasContent(path)).toBe(false);
  writeFileSync(path, '');
  expect(hasContent(path)).toBe(false);
  writeFileSync(path, ' ');
  expect(hasContent(path)).toBe(true);
});

test.each([
  ['there, and only needed to begin with', 'of the agent', []],
  ['empty, and only needed to begin with', '', ['file']],
])('a box’s file that is %s', (_, before, written) => {
  writeFileSync(path, before);
  const initial: BoxFile = {
    path,
    content: 'initial',
    mode: 0o644,
    owner: 'hotspare',
    concern: 'nginx',
    initialOnly: true,
  };
  const paths = written.map((name) => join(folder, name));
  expect(writeFiles([initial], undefined)).toEqual(paths);
  expect(readFileSync(path, 'utf8')).toBe(before === '' ? 'initial' : before);
});
