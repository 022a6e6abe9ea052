import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packagesToInstall } from '../../scripts/packages.mjs';

const machine = { platform: 'linux', arch: 'x64' };
const tool = (version = '1.0.0') => ({ version, integrity: `sha512-${version}`, dev: true });
const binary = (os: string, more = {}) => ({
  version: '1.0.0',
  optional: true,
  os: [os],
  cpu: ['x64'],
  ...more,
});
const lock = {
  packages: {
    '': {},
    'test/orm': {},
    'node_modules/pg': { version: '8.0.0', integrity: 'sha512-pg' },
    'node_modules/vitest': tool(),
    'node_modules/@esbuild/linux-x64': binary('linux'),
    'node_modules/@esbuild/darwin-x64': binary('darwin'),
    'node_modules/@rolldown/musl': binary('linux', { libc: ['musl'] }),
    'node_modules/wasm': { version: '1.0.0', optional: true },
  },
};
const {
  '': _root,
  'test/orm': _orm,
  'node_modules/@esbuild/darwin-x64': _darwin,
  'node_modules/@rolldown/musl': _musl,
  'node_modules/wasm': _wasm,
  ...everything
} = lock.packages;
const { 'node_modules/vitest': _vitest, ...enoughToRun } = everything;
const { 'node_modules/pg': _pg, ...withoutPg } = everything;

test.each([
  ['nothing yet: what is wanted', 'run', undefined, 'run'],
  ['nothing yet, and the tests want all', 'all', undefined, 'all'],
  ['all is there', 'all', everything, undefined],
  ['all is there, and a command needs less', 'run', everything, undefined],
  ['enough to run', 'run', enoughToRun, undefined],
  ['enough to run, and the tests want the rest', 'all', enoughToRun, 'all'],
  ['one is missing', 'run', { ...enoughToRun, 'node_modules/pg': undefined }, 'run'],
  ['one is older', 'run', { ...enoughToRun, 'node_modules/pg': { version: '7.0.0' } }, 'run'],
  ['one is missing where the tests ran: not shrunk', 'run', withoutPg, 'all'],
  ['a tool of the tests is older, which no command needs', 'run', { ...everything, 'node_modules/vitest': tool('0.9.0') }, undefined], // prettier-ignore
  ['made on another machine', 'run', { ...enoughToRun, 'node_modules/@esbuild/linux-x64': undefined, 'node_modules/@esbuild/darwin-x64': binary('darwin') }, 'run'], // prettier-ignore
] as const)('%s', (_, wanted, packages, install) => {
  const there = packages && { packages: JSON.parse(JSON.stringify(packages)) as Record<string, object> };
  expect(packagesToInstall(wanted, lock, there, machine)).toBe(install);
});

describe('in a checkout, with npm', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-prepare-'));
  const checkout = join(folder, 'checkout');
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const npm = (at: string, ...args: string[]) =>
    execFileSync('npm', [...args, '--loglevel=error', '--offline', '--no-audit', '--no-fund'], {
      cwd: at,
      stdio: 'pipe',
    });
  const put = (path: string, manifest: object) => {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, 'package.json'), JSON.stringify({ version: '1.0.0', ...manifest }));
  };
  const has = (name: string) => existsSync(join(checkout, 'node_modules', name));
  const prepare = (wanted: 'run' | 'all') => {
    const program = `import { prepareCheckout } from './scripts/checkout.mjs'; prepareCheckout('${wanted}');`;
    return execFileSync('sh', ['-c', 'node --input-type=module -e "$0" 2>&1', program], {
      cwd: checkout,
      encoding: 'utf8',
      // What a production machine has set.
      env: { ...process.env, NODE_ENV: 'production', npm_config_offline: 'true' },
    }).replaceAll(/\d+\.\d/g, 'N');
  };
  const installs = 'hotspare: npm packages ... N s\n';

  beforeAll(() => {
    cpSync('scripts', join(checkout, 'scripts'), { recursive: true });
    for (const name of ['needed', 'tool']) {
      put(name, { name });
      npm(join(folder, name), 'pack', '--pack-destination', folder);
    }
    put('checkout/scripts', { name: 'build', dependencies: { needed: 'file:../../needed-1.0.0.tgz' } });
    put('checkout', {
      name: 'app',
      workspaces: ['scripts'],
      devDependencies: { tool: 'file:../tool-1.0.0.tgz' },
    });
    npm(checkout, 'install', '--package-lock-only');
    // What is built already, so that only packages are at stake.
    mkdirSync(join(checkout, 'dist'));
    const stamp = `import { stampBuild } from './scripts/checkout.mjs'; stampBuild('dist');`;
    execFileSync(process.execPath, ['--input-type=module', '-e', stamp], { cwd: checkout });
  });

  test('a command installs what it needs, the tests install the rest, and the next command leaves it there', () => {
    expect(prepare('run')).toBe(installs);
    expect([has('needed'), has('tool')]).toEqual([true, false]);
    expect(prepare('run')).toBe('');
    expect(prepare('all')).toBe(installs);
    expect([has('needed'), has('tool')]).toEqual([true, true]);
    expect([prepare('run'), prepare('all')]).toEqual(['', '']);
  });

  test('what "npm ci" installed is enough', () => {
    rmSync(join(checkout, 'node_modules'), { recursive: true });
    npm(checkout, 'ci');
    expect([prepare('run'), prepare('all')]).toEqual(['', '']);
  });

  test('a changed lock: all of it again, where all of it was', () => {
    const file = join(checkout, 'package-lock.json');
    const text = readFileSync(file, 'utf8');
    const installed = join(checkout, 'node_modules/.package-lock.json');
    const older = readFileSync(installed, 'utf8').replace(/(needed": \{\s*"version": ")1/, '$10');
    writeFileSync(installed, older);
    expect(prepare('run')).toBe(installs);
    expect([has('needed'), has('tool')]).toEqual([true, true]);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
