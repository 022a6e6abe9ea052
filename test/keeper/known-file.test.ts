import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { KnownFile } from '../../keeper/state/known-file.js';

let folder: string, file: string, understood: string[], known: KnownFile<string>;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-known-'));
  file = join(folder, 'file');
  understood = [];
  known = new KnownFile(file, (text) => {
    if (text === 'broken') throw new Error('not understood');
    understood.push(text);
    return text;
  });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** As everything of the keeper's is written: beside it, and then in its place. */
function replace(text: string): void {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

test('a file that stays is understood once, and one that is replaced again, also by as many bytes', () => {
  replace('one');
  expect([known.read(), known.read(), known.read()]).toEqual(['one', 'one', 'one']);
  replace('two');
  expect([known.read(), known.read()]).toEqual(['two', 'two']);
  expect(understood).toEqual(['one', 'two']);
});

test('a file that is not there, comes, goes and comes again', () => {
  expect(known.read()).toBeUndefined();
  replace('one');
  expect(known.read()).toBe('one');
  rmSync(file);
  expect(known.read()).toBeUndefined();
  replace('one');
  expect(known.read()).toBe('one');
  expect(understood).toEqual(['one', 'one']);
});

test('a file that is not understood is an error each time, and what stood before is not told', () => {
  replace('one');
  expect(known.read()).toBe('one');
  replace('broken');
  expect(() => known.read()).toThrow('not understood');
  expect(() => known.read()).toThrow('not understood');
  replace('two');
  expect(known.read()).toBe('two');
});

test('one that is about to be replaced is read anew, however alike it looks', () => {
  replace('one');
  known.read();
  known.forget();
  expect(known.read()).toBe('one');
  expect(understood).toEqual(['one', 'one']);
});
