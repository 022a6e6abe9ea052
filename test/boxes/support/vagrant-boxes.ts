import { execFile, spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../support/wait.js';

const run = promisify(execFile);

export interface Ended {
  readonly exitCode: number;
  /** Both streams, as a person sees them. */
  readonly output: string;
  readonly seconds: number;
}

/**
 * Boxes made by `vagrant up` for tests: names, addresses, bridge and Vagrant's notes of their own, so that a person's
 * boxes on this machine are left alone.
 */
export class VagrantBoxes {
  readonly folder: string;
  readonly topologyFile: string;
  readonly environment: Record<string, string>;

  constructor(
    readonly prefix = 'hst-',
    readonly subnet = '192.168.91',
    readonly bridge = 'hst0',
    folder?: string,
  ) {
    this.folder = folder ?? mkdtempSync(join(tmpdir(), 'hotspare-boxes-'));
    this.topologyFile = join(this.folder, 'topology.json');
    if (!existsSync(this.topologyFile)) cpSync('vagrant/topology.json', this.topologyFile);
    this.environment = {
      VAGRANT_DEFAULT_PROVIDER: 'lxc',
      VAGRANT_CHECKPOINT_DISABLE: '1',
      VAGRANT_DOTFILE_PATH: join(this.folder, 'vagrant'),
      HOTSPARE_BACKUPS: join(this.folder, 'backups'),
      HOTSPARE_SUBNET: subnet,
      HOTSPARE_LXC_PREFIX: prefix,
      HOTSPARE_LXC_BRIDGE: bridge,
      HOTSPARE_TOPOLOGY: this.topologyFile,
    };
  }

  address(host: number): string {
    return `${this.subnet}.${host}`;
  }

  async bridgeUp(): Promise<void> {
    await run('vagrant/lxc-bridge', ['up', '--bridge', this.bridge, '--subnet', this.subnet]);
  }

  /** Runs `vagrant …` to its end, whatever that is. */
  vagrant(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
    const started = performance.now();
    return new Promise((resolve, reject) => {
      const child = spawn('vagrant', args, {
        env: { ...process.env, ...this.environment, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let output = '';
      child.stdout.on('data', (data: Buffer) => (output += data.toString()));
      child.stderr.on('data', (data: Buffer) => (output += data.toString()));
      child.on('error', reject);
      child.on('close', (code) =>
        resolve({ exitCode: code ?? -1, output, seconds: (performance.now() - started) / 1000 }),
      );
    });
  }

  /** Like `vagrant`, and fails with what it said. */
  async must(...args: string[]): Promise<Ended> {
    const ended = await this.vagrant(args);
    if (ended.exitCode !== 0)
      throw new Error(`vagrant ${args.join(' ')} ended with ${ended.exitCode}:\n${ended.output}`);
    return ended;
  }

  container(box: string): string {
    return `${this.prefix}${box}`;
  }

  /** Runs a command line in a box as root, whatever its network; resolves with what it printed. */
  async shell(box: string, command: string, timeoutMs = 60_000): Promise<string> {
    const { stdout } = await run(
      'lxc-attach',
      ['-n', this.container(box), '--clear-env', '--', '/bin/bash', '-c', command],
      {
        timeout: timeoutMs,
        env: { PATH: process.env['PATH'], LC_ALL: 'C' },
        maxBuffer: 16 * 1024 * 1024,
      },
    );
    return stdout.trimEnd();
  }

  freeze(box: string): Promise<unknown> {
    return run('lxc-freeze', ['-n', this.container(box)]);
  }

  thaw(box: string): Promise<unknown> {
    return run('lxc-unfreeze', ['-n', this.container(box)]);
  }

  powerOff(box: string): Promise<unknown> {
    return run('lxc-stop', ['-k', '-n', this.container(box)]);
  }

  powerOn(box: string): Promise<unknown> {
    return run('lxc-start', ['-n', this.container(box)]);
  }

  link(box: string, state: 'up' | 'down'): Promise<unknown> {
    return run('ip', ['link', 'set', `ve-${this.container(box)}`, state]);
  }

  async untilBooted(box: string): Promise<void> {
    await waitFor(
      `${box} to have booted`,
      60_000,
      async () => (await this.shell(box, 'systemctl is-system-running || true')) === 'running',
      250,
    );
  }

  topology(): { groups: { name: string; count: number }[] } {
    return JSON.parse(readFileSync(this.topologyFile, 'utf8'));
  }

  /** Scaling out: one number. */
  scale(counts: Record<string, number>): void {
    const topology = this.topology();
    for (const group of topology.groups) group.count = counts[group.name] ?? group.count;
    mkdirSync(dirname(this.topologyFile), { recursive: true });
    writeFileSync(this.topologyFile, `${JSON.stringify(topology, null, 2)}\n`);
  }

  /** Everything gone: boxes, notes, dumps, bridge. */
  async remove(): Promise<void> {
    const ended = await this.vagrant(['destroy', '-f'], { HOTSPARE_KEEP_DATA: 'no' });
    await run('vagrant/lxc-bridge', ['down', '--bridge', this.bridge]);
    rmSync(this.folder, { recursive: true, force: true });
    if (ended.exitCode !== 0) throw new Error(`destroy failed: ${ended.output}`);
  }
}
