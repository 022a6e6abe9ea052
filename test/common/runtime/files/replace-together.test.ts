import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writeDurably } from '../../../../common/runtime/files/replace-file.js';
import { replaceTogether } from '../../../../common/runtime/files/replace-together.js';

let folder = '';
const at = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(at(name), 'utf8');
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-together-'));
  mkdirSync(at('other'));
  writeFileSync(at('a'), 'a longer text before');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const both = () => [
  { file: at('a'), text: 'new' },
  { file: at('other/b'), text: 'also new', mode: 0o644 },
];

test('all of them, with their modes, and nothing beside them', async () => {
  await replaceTogether(both());
  expect([read('a'), read('other/b')]).toEqual(['new', 'also new']);
  expect([statSync(at('a')).mode & 0o777, statSync(at('other/b')).mode & 0o777]).toEqual([0o600, 0o644]);
  expect([readdirSync(folder), readdirSync(at('other'))]).toEqual([['a', 'other'], ['b']]);
});

test('who is told to leave it leaves all as it was', async () => {
  const check = () => {
    throw new Error('not any more');
  };
  await expect(replaceTogether(both(), check)).rejects.toThrow('not any more');
  expect(read('a')).toBe('a longer text before');
  expect([readdirSync(folder), readdirSync(at('other'))]).toEqual([['a', 'other'], []]);
});

test('one that cannot be written leaves the others as they were', async () => {
  const files = [...both(), { file: at('missing/c'), text: '' }];
  await expect(replaceTogether(files)).rejects.toThrow(/ENOENT/);
  expect(read('a')).toBe('a longer text before');
  expect([readdirSync(folder), readdirSync(at('other'))]).toEqual([['a', 'other'], []]);
});

test('it is checked after all was written, with nothing in between before all are replaced', async () => {
  const seen: unknown[] = [];
  const check = () => {
    seen.push([read('a'), readdirSync(at('other')).length]);
    queueMicrotask(() => seen.push([read('a'), read('other/b')]));
  };
  await replaceTogether(both(), check);
  expect(seen).toEqual([
    ['a longer text before', 1],
    ['new', 'also new'],
  ]);
});

test('what is replaced at once meanwhile is not in the way, and the later one stays', async () => {
  const going = replaceTogether(both());
  writeDurably(at('a'), 'at once');
  expect(read('a')).toBe('at once');
  await going;
  expect(read('a')).toBe('new');
});
