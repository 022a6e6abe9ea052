import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replaceFile, writeDurably } from '../../../../common/runtime/files/replace-file.js';

let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-replace-'));
  path = join(folder, 'file');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const seen = () => [readFileSync(path, 'utf8'), statSync(path).mode & 0o777, readdirSync(folder)];

test.each([
  ['by default only its owner reads it', {}, 0o600],
  ['its mode is what was asked for', { mode: 0o664 }, 0o664],
  ['with a mode to keep', { mode: 0o600, keepsOwner: true }, 0o640],
  ['shared', { isShared: true, isDurable: false }, 0o600],
])('whole, and nothing left beside it: %s', async (_, options, mode) => {
  writeFileSync(path, 'a longer text before');
  chmodSync(path, 0o640);
  await replaceFile(path, 'after', options);
  expect(seen()).toEqual(['after', mode, ['file']]);
});

test('where there was none', async () => {
  await replaceFile(path, 'new', { keepsOwner: true });
  expect(seen()).toEqual(['new', 0o600, ['file']]);
});

test('where it cannot, the old one stays, and nothing beside it', async () => {
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), '');
  await expect(replaceFile(path, 'after')).rejects.toThrow();
  expect([readdirSync(folder), readdirSync(path)]).toEqual([['file'], ['inside']]);
});

test('many at the same time: one of the texts, whole', async () => {
  const texts = Array.from({ length: 20 }, (_, n) => String(n).repeat(10_000));
  await Promise.all(texts.map((text) => replaceFile(path, text, { isShared: true })));
  expect(texts).toContain(readFileSync(path, 'utf8'));
  expect(readdirSync(folder)).toEqual(['file']);
});

test('what another process has not finished is not in the way: the keeper and prepare-start write the same files', () => {
  writeFileSync(join(folder, '.file.unfinished'), 'of another');
  writeFileSync(join(folder, `.file.${process.pid + 1}.unfinished`), 'of another');
  writeDurably(path, 'mine');
  expect(seen()).toEqual([
    'mine',
    0o600,
    expect.arrayContaining(['.file.unfinished', `.file.${process.pid + 1}.unfinished`]),
  ]);
  expect(readFileSync(join(folder, '.file.unfinished'), 'utf8')).toBe('of another');
});
