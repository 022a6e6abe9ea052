import { describe, expect, test } from 'vitest';
import { castsIn } from './checks/casts.js';
import { circles } from './checks/circles.js';
import { fullRooms } from './checks/full-rooms.js';
import { tooLong } from './checks/lengths.js';
import { privateNamesIn } from './checks/private-names.js';
import { sourcesOf } from './checks/sources.js';

const rooms = [
  'agent',
  'sidecar',
  'common',
  'keeper',
  'cli',
  'provision',
  'lab',
  'vagrant',
  'setup',
  'status',
  'todomvc',
  'bench',
];

describe('no file imports itself by way of others', () => {
  test('in the sources', () => {
    const sources = sourcesOf(...rooms);
    expect(sources.length).toBeGreaterThan(300);
    expect(circles(sources)).toEqual([]);
  });

  test('a circle is found, and the way around it: by types alone, by itself, by export', () => {
    const a = { file: 'x/a.ts', text: "import type { B } from './y/b.js';\nexport type A = B;\n" };
    const b = { file: 'x/y/b.ts', text: "export * from '../c.js';\n" };
    const c = { file: 'x/c.ts', text: "import fs from 'node:fs';\nexport type C = import('./a.js').A;\n" };
    expect(circles([a, b, c])).toEqual(['x/a.ts -> x/y/b.ts -> x/c.ts -> x/a.ts']);
    expect(circles([c, a, b])).toHaveLength(1);
    expect(circles([{ file: 'x/a.ts', text: "import {} from './a.js';\n" }])).toEqual(['x/a.ts -> x/a.ts']);
  });

  test('two ways to one file are no circle', () => {
    const top = { file: 'top.ts', text: "import './left.js';\nimport './right.js';\n" };
    const sides = ['left.ts', 'right.ts'].map((file) => ({ file, text: "import './below.js';\n" }));
    expect(circles([top, ...sides, { file: 'below.ts', text: '' }])).toEqual([]);
  });
});

describe('files are short enough for one sitting', () => {
  const mostLines = 300;

  test('in the sources', () => {
    expect(tooLong(sourcesOf(...rooms), mostLines)).toEqual([]);
  });

  test('one line more is too many', () => {
    const fits = { file: 'fits.ts', text: 'x\n'.repeat(mostLines) };
    const long = { file: 'long.ts', text: 'x\n'.repeat(mostLines + 1) };
    expect(tooLong([fits, long], mostLines)).toEqual(['long.ts has 301 lines']);
  });
});

describe('a room holds a dozen files or so', () => {
  test('in the sources', () => {
    const files = sourcesOf(...rooms).map(({ file }) => file);
    expect(files.length).toBeGreaterThan(300);
    expect(fullRooms(files, 13)).toEqual([]);
  });

  test('a fuller one is found, and what lies below does not count', () => {
    expect(fullRooms(['a/1.ts', 'a/2.ts', 'a/b/1.ts'], 2)).toEqual([]);
    expect(fullRooms(['a/1.ts', 'a/2.ts', 'a/3.ts', 'a/b/1.ts'], 2)).toEqual(['a holds 3 files']);
  });
});

describe("pg's inside is looked at in one room", () => {
  const outside = sourcesOf('sidecar/postgres').filter(
    ({ file }) => !file.startsWith('sidecar/postgres/session/pg-internals/'),
  );

  test('its private names stand nowhere else', () => {
    expect(outside.flatMap(privateNamesIn)).toEqual([]);
    expect(sourcesOf('sidecar/postgres/session/pg-internals').flatMap(privateNamesIn)).not.toEqual([]);
  });

  test.each([
    'client._queryable = false;',
    'const { _ending } = client;',
    'const { _ending: gone } = client;',
    'class A extends B { override _pulseQueue(): void {} }',
    "client['_activeQuery'];",
    'Object.assign(client, { _connecting: false });',
    'type A = { _idle: unknown };',
    'client.hasExecuted = false;',
  ])('found: %s', (text) => {
    expect(privateNamesIn({ file: 'a.ts', text })).toHaveLength(1);
  });

  test.each([
    '// client._queryable',
    "log('client._queryable');",
    'map((_, index) => index);',
    'fail(_error);',
  ])('no private name: %s', (text) => {
    expect(privateNamesIn({ file: 'a.ts', text })).toEqual([]);
  });

  test('outside of it there are at most 10 casts', () => {
    const casts = outside.flatMap(castsIn);
    expect(casts.length, casts.join('\n')).toBeLessThanOrEqual(10);
  });

  test.each([
    ['const a = b as C;', 1],
    ['const a = b as unknown as C;', 1],
    ['const a = (b as C).d as E;', 2],
    ['const a = <C>b;', 1],
    ['const a = f(b as never, c as never);', 2],
    ['const a = [b] as const;', 0],
    ['const a = b satisfies C;', 0],
    ["import { a as b } from './c.js';", 0],
    ['// b as C', 0],
  ])('casts in %s: %i', (text, count) => {
    expect(castsIn({ file: 'a.ts', text })).toHaveLength(count);
  });
});
