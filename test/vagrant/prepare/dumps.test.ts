import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { carryDump, dumpSet, newestDump } from '../../../vagrant/prepare/dumps.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-dumps-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const put = (...names: string[]) => names.forEach((name) => writeFileSync(join(folder, name), name));
const set = dumpSet({ containerPrefix: '', subnet: '10.1.2' });

test('a set is its prefix and its subnet', () => {
  expect(set).toBe('10.1.2');
  expect(dumpSet({ containerPrefix: 'a-', subnet: '10.1.2' })).toBe('a-10.1.2');
});

test('no folder, no dump: none', () => {
  expect(newestDump(join(folder, 'none'), set)).toBeUndefined();
  expect(newestDump(folder, set)).toBeUndefined();
});

test("the newest of the set's own", () => {
  put(
    'todo-10.1.2-20260101T000000Z.dump',
    'todo-10.1.2-20260102T000000Z.dump',
    'todo-10.1.2-20251231T235959Z.dump',
    // Other sets', older ways of naming, and what is not finished.
    'todo-a-10.1.2-20270101T000000Z.dump',
    'todo-10.1.20-20270101T000000Z.dump',
    'todo-10x1x2-20270101T000000Z.dump',
    'todo-20270101T000000Z.dump',
    'todo-10.1.2-20270101T000000Z.dump.part',
    'my-todo-10.1.2-20270101T000000Z.dump',
  );
  const name = 'todo-10.1.2-20260102T000000Z.dump';
  expect(newestDump(folder, set)).toEqual({ name, file: join(folder, name) });
  expect(newestDump(folder, 'a-10.1.2')?.name).toBe('todo-a-10.1.2-20270101T000000Z.dump');
});

test('boxes that move take their newest dump along; the old one stays', () => {
  put('todo-10.1.2-20260101T000000Z.dump', 'todo-10.1.2-20260102T000000Z.dump');
  const elsewhere = join(folder, 'elsewhere');
  chmodSync(join(folder, 'todo-10.1.2-20260102T000000Z.dump'), 0o600);
  carryDump(folder, set, elsewhere, '10.9.9');
  expect(readdirSync(elsewhere)).toEqual(['todo-10.9.9-20260102T000000Z.dump']);
  const carried = newestDump(elsewhere, '10.9.9')?.file ?? '';
  expect(readFileSync(carried, 'utf8')).toBe('todo-10.1.2-20260102T000000Z.dump');
  expect(statSync(carried).mode & 0o777).toBe(0o600);
  expect(newestDump(folder, set)?.name).toBe('todo-10.1.2-20260102T000000Z.dump');
});

test('nothing to take, or there already: nothing changes', () => {
  carryDump(folder, set, join(folder, 'elsewhere'), set);
  expect(readdirSync(folder)).toEqual([]);
  mkdirSync(join(folder, 'to'));
  put('todo-10.1.2-20260101T000000Z.dump');
  writeFileSync(join(folder, 'to/todo-10.9.9-20260101T000000Z.dump'), 'kept');
  carryDump(folder, set, join(folder, 'to'), '10.9.9');
  expect(readFileSync(join(folder, 'to/todo-10.9.9-20260101T000000Z.dump'), 'utf8')).toBe('kept');
});
