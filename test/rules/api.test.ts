import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as library from '../../sidecar/index.js';

const committed = 'docs/api';
const renew = 'renew it with `npx typedoc`';
let fresh: string;
let output: string;
let status: number | null;

beforeAll(() => {
  fresh = mkdtempSync(join(tmpdir(), 'hotspare-api-'));
  const typedoc = spawnSync(process.execPath, ['node_modules/typedoc/bin/typedoc', '--out', fresh], {
    encoding: 'utf8',
  });
  ({ status } = typedoc);
  output = typedoc.stdout + typedoc.stderr;
});
afterAll(() => rmSync(fresh, { recursive: true, force: true }));

const pages = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]));

describe('the API reference', () => {
  test('every export has a docstring, and every link in one leads somewhere', () => {
    expect(output).not.toMatch(/\[(warning|error)\]/);
    expect(status, output).toBe(0);
  });

  test('docs/api is what the docstrings give', () => {
    const [found, expected] = [pages(committed), pages(fresh)];
    expect(Object.keys(found), renew).toEqual(Object.keys(expected));
    for (const [name, text] of Object.entries(expected)) expect(found[name], `${name}: ${renew}`).toBe(text);
  });

  test('shows every class, and what a Pool has beside pg', () => {
    const all = Object.values(pages(committed)).join('\n');
    for (const name of Object.keys(library)) expect(all).toMatch(new RegExp(`^### .*\\b${name}$`, 'm'));
    const { 'Pool.md': pool } = pages(committed);
    const own = Object.getOwnPropertyNames(Object.getPrototypeOf(library.Pool.prototype));
    for (const name of own.filter((name) => name !== 'constructor'))
      expect(pool).toMatch(new RegExp(`^##### ${name}(\\(\\))?$`, 'm'));
  });

  test('names nothing of the machine or the moment it was made on', () => {
    for (const [name, text] of Object.entries(pages(committed)))
      expect(text, name).not.toMatch(new RegExp(`${process.cwd()}|node_modules|RoutedPool|[0-9a-f]{40}`));
  });
});
