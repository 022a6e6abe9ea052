import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { isExecutable } from '../../common/runtime/machine/binaries.js';

/*
 * What the scripts for LXC say and refuse. Those run by root run here as nobody, so that no test can build, add or
 * delete anything; building and bridging are tested by the boxes themselves.
 */
const root = join(import.meta.dirname, '../..');
const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-lxc-scripts-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A copy of the scripts that nobody can read, wherever the project lies, and that a test may change. */
function copyOfScripts(name: string): string {
  const copy = join(folder, name);
  for (const file of [
    'provision/site/programs.ts',
    ...['build-lxc-box', 'lxc-bridge', 'lxc', 'topology.json'].map((file) => join('vagrant', file)),
  ])
    cpSync(join(root, file), join(copy, file), { recursive: true });
  spawnSync('chmod', ['-R', 'a+rX', folder]);
  return join(copy, 'vagrant');
}

function run(script: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout, stderr } = spawnSync(script, args, {
    ...nobody,
    encoding: 'utf8',
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin`, HOME: join(folder, 'no-home'), ...env },
  });
  return { status, stdout, stderr };
}

describe('build-lxc-box', () => {
  test('--help names every option', () => {
    const { status, stdout } = run(join(copyOfScripts('help'), 'build-lxc-box'), ['--help']);
    expect(status).toBe(0);
    for (const option of ['--force', '--remove', '--digest', '--cache']) expect(stdout).toContain(option);
  });

  test.each([
    [[], /only root can build a box: sudo vagrant\/build-lxc-box/],
    [['--remove'], /only root can build a box/],
    [['--frce'], /there is no option --frce; see --help/],
    [['--cache'], /--cache wants a folder/],
  ])('%j is refused with a sentence', (args, sentence) => {
    const { status, stdout, stderr } = run(join(copyOfScripts('refused'), 'build-lxc-box'), args);
    expect(stderr).toMatch(sentence);
    expect(stdout).toBe('');
    expect(status).toBe(1);
  });

  describe('the digest', () => {
    const digest = (scripts: string, env = {}) =>
      run(join(scripts, 'build-lxc-box'), ['--digest'], env).stdout.trim();

    test('is the same twice, and wherever the scripts lie', () => {
      const [here, there] = [copyOfScripts('here'), copyOfScripts('there')];
      expect(digest(here)).toMatch(/^[0-9a-f]{16}$/);
      expect(digest(here)).toBe(digest(here));
      expect(digest(there)).toBe(digest(here));
    });

    test.each(['build-lxc-box', 'lxc/packages', 'lxc/lxc-config', 'lxc/lxc-template', 'lxc/customize'])(
      'changes with %s',
      (file) => {
        const [before, after] = [copyOfScripts('before'), copyOfScripts(`after-${file.replace('/', '-')}`)];
        writeFileSync(join(after, file), `${readFileSync(join(after, file), 'utf8')}\n# another line\n`);
        expect(digest(after)).not.toBe(digest(before));
      },
    );

    test.each(['nodeVersion', 'nodeFolder', 'postgresMajor'])('changes with %s', (name) => {
      const [before, after] = [copyOfScripts('before'), copyOfScripts(`after-${name}`)];
      const file = join(after, '../provision/site/programs.ts');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace(new RegExp(`(${name} = [^;]*?)('?;)`), '$19$2'));
      expect(readFileSync(file, 'utf8')).not.toBe(text);
      expect(digest(after)).toMatch(/^[0-9a-f]{16}$/);
      expect(digest(after)).not.toBe(digest(before));
    });

    test('is not told where a program is not said', () => {
      const scripts = copyOfScripts('no-programs');
      writeFileSync(join(scripts, '../provision/site/programs.ts'), '');
      const { status, stdout, stderr } = run(join(scripts, 'build-lxc-box'), ['--digest']);
      expect(stderr).toMatch(/programs\.ts does not say nodeVersion\. Mend: /);
      expect([status, stdout]).toEqual([1, '']);
    });

    test('changes with the version of Consul', () => {
      const scripts = copyOfScripts('consul');
      const withConsul = (version: string) => {
        const bin = join(folder, `bin-${version}`);
        mkdirSync(bin, { recursive: true });
        // Longer than a pipe holds: the script must read on after the line it wants.
        writeFileSync(
          join(bin, 'consul'),
          `#!/bin/sh\necho "Consul v${version}"\nhead -c 200000 /dev/zero\n`,
          { mode: 0o755 },
        );
        spawnSync('chmod', ['a+rx', bin, join(bin, 'consul')]);
        return digest(scripts, { PATH: `${bin}:/usr/bin:/bin` });
      };
      const old = withConsul('1.8.7');
      expect(old).toMatch(/^[0-9a-f]{16}$/);
      expect(withConsul('1.8.7')).toBe(old);
      expect(withConsul('1.20.0')).not.toBe(old);
    });
  });
});

describe.skipIf(!['/sbin/ip', '/usr/sbin/ip', '/bin/ip'].some(isExecutable))('lxc-bridge', () => {
  const bridge = (args: readonly string[], env = {}) =>
    run(join(copyOfScripts('bridge'), 'lxc-bridge'), args, env);

  test('--help names every command', () => {
    const { status, stdout } = bridge(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('up|down|status');
  });

  test.each([
    [[], /say up, down or status/],
    [['upp'], /there is no command or option upp/],
    [['up', '--bridge', 'hsno0', '--subnet', '192.168.300'], /192\.168\.300 is no subnet/],
    [['up', '--bridge', 'hsno0', '--subnet', '192.168.11.0'], /192\.168\.11\.0 is no subnet/],
    [['up', '--bridge', 'a-name-longer-than-15'], /cannot be the name of a bridge/],
    [['up', '--bridge', 'hsno0'], /only root can do that: sudo vagrant\/lxc-bridge up/],
    [['up', '--subnet'], /--subnet wants a value/],
  ])('%j is refused with a sentence', (args, sentence) => {
    const { status, stderr } = bridge(args);
    expect(stderr).toMatch(sentence);
    expect(status).toBe(1);
  });

  test("the usual bridge and subnet are the topology's", () => {
    const scripts = copyOfScripts('usual');
    writeFileSync(
      join(scripts, 'topology.json'),
      '{ "subnets": { "lab": "127.0.1", "vagrant": "10.9.300" },\n"lxc": {"bridge":"hsno1"} }',
    );
    expect(run(join(scripts, 'lxc-bridge'), ['status', '--subnet', '10.9.8']).stdout).toBe(
      'There is no bridge hsno1.\n',
    );
    expect(run(join(scripts, 'lxc-bridge'), ['up']).stderr).toMatch(/10\.9\.300 is no subnet/);
  });

  test('a bridge that is not there: status 3, and nothing to take down', () => {
    expect(bridge(['status', '--bridge', 'hsno0'])).toMatchObject({
      status: 3,
      stdout: 'There is no bridge hsno0.\n',
    });
    expect(bridge(['down'], { HOTSPARE_LXC_BRIDGE: 'hsno0' })).toMatchObject({
      status: 0,
      stdout: 'There is no bridge hsno0: nothing to do.\n',
    });
  });
});

describe('prune-config', () => {
  const config = [
    'lxc.init.cmd = /sbin/init',
    '# VAGRANT-BEGIN',
    'lxc.net.0.type=veth',
    '# VAGRANT-END',
    'lxc.tty.max = 0',
    '# VAGRANT-BEGIN',
    'lxc.net.0.type=veth',
    '# VAGRANT-END',
    '',
  ].join('\n');

  function prune(state: string): string {
    const scripts = copyOfScripts(`prune-${state}`);
    const bin = join(scripts, 'bin');
    const container = join(scripts, 'containers', 'pg1');
    mkdirSync(bin);
    mkdirSync(container, { recursive: true });
    writeFileSync(join(bin, 'lxc-config'), `#!/bin/sh\necho ${join(scripts, 'containers')}\n`);
    writeFileSync(join(bin, 'lxc-info'), `#!/bin/sh\necho ${state}\n`);
    writeFileSync(join(container, 'config'), config);
    spawnSync('chmod', ['-R', 'a+rwX', container]);
    spawnSync('chmod', ['-R', 'a+rx', bin]);
    const result = run(join(scripts, 'lxc/prune-config'), ['pg1', 'not-there'], {
      PATH: `${bin}:/usr/bin:/bin`,
    });
    expect(result).toMatchObject({ status: 0, stderr: '' });
    expect(statSync(join(container, 'config')).mode & 0o777).toBe(0o666);
    return readFileSync(join(container, 'config'), 'utf8');
  }

  test("takes every block of Vagrant's out of a stopped box's config, and nothing else", () => {
    expect(prune('STOPPED')).toBe('lxc.init.cmd = /sbin/init\nlxc.tty.max = 0\n');
  });

  test('leaves a running box alone', () => {
    expect(prune('RUNNING')).toBe(config);
  });
});
