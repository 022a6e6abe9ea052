import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CacheFile } from '../../../sidecar/cache/file.js';

const known = { primary: { host: '10.0.0.1', port: 5432 }, replicas: [{ host: '10.0.0.2', port: 5432 }] };
let folder: string;
let warnings: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-cache-'));
  warnings = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (path: string, source = 'pg at here') =>
  new CacheFile({ path, source, onWarning: (warning) => warnings.push(warning.message) });

test('what was saved is found again, by its owner only, and nothing is left beside it', async () => {
  const path = join(folder, 'deep', 'pg.json');
  await at(path).save(known);
  expect(await at(path).load()).toEqual(known);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readdirSync(join(folder, 'deep'))).toEqual(['pg.json']);
  expect(warnings).toEqual([]);
});

test('no file is no news', async () => {
  expect(await at(join(folder, 'none.json')).load()).toBeNull();
  expect(warnings).toEqual([]);
});

test('the last of many saves stays', async () => {
  const path = join(folder, 'pg.json');
  const cache = at(path);
  await Promise.all([1, 2, 3].map((port) => cache.save({ primary: { host: 'x', port }, replicas: [] })));
  expect(await cache.load()).toEqual({ primary: { host: 'x', port: 3 }, replicas: [] });
});

test('a role of which nobody is known leaves whom another process knew', async () => {
  const path = join(folder, 'pg.json');
  await at(path).save(known);
  await at(path).save({ primary: null, replicas: [{ host: '10.0.0.3', port: 5432 }] });
  expect(await at(path).load()).toEqual({ ...known, replicas: [{ host: '10.0.0.3', port: 5432 }] });
  await at(path).save({ primary: { host: '10.0.0.4', port: 5432 }, replicas: [] });
  expect(await at(path).load()).toEqual({
    primary: { host: '10.0.0.4', port: 5432 },
    replicas: [{ host: '10.0.0.3', port: 5432 }],
  });
  expect(warnings).toEqual([]);
});

test('but not from a file that is about somebody else', async () => {
  const path = join(folder, 'pg.json');
  await at(path, 'pg at there').save(known);
  await at(path).save({ primary: null, replicas: [] });
  expect(await at(path).load()).toEqual({ primary: null, replicas: [] });
});

describe('ignored with a warning', () => {
  const rows: [string, string, RegExp][] = [
    ['empty', '', /ignored/],
    ['damaged', '{"version":1,"sour', /ignored/],
    ['not an object', '5', /not what we write/],
    ['of a later version', '{"version":2}', /version is 2/],
    [
      "somebody else's",
      JSON.stringify({ version: 1, source: 'pg at there', ...known }),
      /about "pg at there"/,
    ],
    [
      'with a strange primary',
      '{"version":1,"source":"pg at here","primary":{"host":"a","port":"5"},"replicas":[]}',
      /not what/,
    ],
    [
      'with strange replicas',
      '{"version":1,"source":"pg at here","primary":null,"replicas":[{}]}',
      /not what/,
    ],
    ['huge', `"${'x'.repeat(100_000)}"`, /too big/],
  ];
  test.each(rows)('%s', async (_, content, why) => {
    const path = join(folder, 'pg.json');
    writeFileSync(path, content, { mode: 0o600 });
    expect(await at(path).load()).toBeNull();
    expect(warnings).toEqual([expect.stringMatching(why)]);
  });

  test('writable by others', async () => {
    const path = join(folder, 'pg.json');
    await at(path).save(known);
    chmodSync(path, 0o666);
    expect(await at(path).load()).toBeNull();
    expect(warnings).toEqual([expect.stringMatching(/others may write/)]);
  });
});

test('a FIFO in its place is a warning, is not waited for, and stays', async () => {
  const path = join(folder, 'pg.json');
  execFileSync('mkfifo', ['-m', '600', path]);
  expect(await at(path).load()).toBeNull();
  expect(warnings).toEqual([expect.stringMatching(/ignored: it is not a regular file/)]);
  await at(path).save({ primary: null, replicas: [] });
  expect(warnings.slice(1)).toEqual([
    expect.stringMatching(/could not be written: it is not a regular file/),
  ]);
  expect(statSync(path).isFIFO()).toBe(true);
  expect(readdirSync(folder)).toEqual(['pg.json']);
});

test('a folder that cannot be written is a warning, and leaves nothing', async () => {
  const path = join(folder, 'pg.json');
  mkdirSync(path);
  await at(path).save(known);
  expect(warnings).toEqual([expect.stringMatching(/could not be written/)]);
  expect(readdirSync(folder)).toEqual(['pg.json']);
  writeFileSync(join(folder, 'file'), '');
  await at(join(folder, 'file', 'pg.json')).save(known);
  expect(warnings).toHaveLength(2);
  expect(existsSync(join(folder, 'file', 'pg.json'))).toBe(false);
});
