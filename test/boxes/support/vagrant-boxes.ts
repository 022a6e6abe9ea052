import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { waitFor } from '../../support/wait.js';
import { bridge, folder, prefix, subnet } from './names.js';
import { vagrantHome } from './why-not.js';

const run = promisify(execFile);
const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface Ended {
  readonly exitCode: number;
  /** Both streams, as a person sees them. */
  readonly output: string;
  readonly seconds: number;
}

/** A call of Vagrant under way, in a process group of its own. */
export interface Call {
  readonly process: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has said so far. */
  said(): string;
  /** Kills it and all it started, as if the terminal had been taken away. */
  kill(): void;
}

/** Boxes made by `vagrant up` for these tests, and what the tests do to them. */
export class VagrantBoxes {
  readonly topologyFile = join(folder, 'topology.json');
  readonly state = join(folder, 'vagrant', 'hotspare');
  readonly backups = join(folder, 'backups');
  readonly environment: Readonly<Record<string, string>> = {
    VAGRANT_DEFAULT_PROVIDER: 'lxc',
    VAGRANT_CHECKPOINT_DISABLE: '1',
    // Its list of all boxes of a person is none of these tests' business.
    VAGRANT_HOME: join(folder, 'home'),
    VAGRANT_DOTFILE_PATH: join(folder, 'vagrant'),
    HOTSPARE_BACKUPS: this.backups,
    HOTSPARE_SUBNET: subnet,
    HOTSPARE_LXC_PREFIX: prefix,
    HOTSPARE_LXC_BRIDGE: bridge,
    HOTSPARE_TOPOLOGY: this.topologyFile,
  };

  /** The folder and the bridge. */
  async prepare(): Promise<void> {
    mkdirSync(join(folder, 'home'), { recursive: true, mode: 0o700 });
    const boxes = join(folder, 'home', 'boxes');
    if (!existsSync(boxes)) symlinkSync(join(vagrantHome, 'boxes'), boxes);
    if (!existsSync(this.topologyFile)) cpSync('vagrant/topology.json', this.topologyFile);
    await this.bridgeUp();
  }

  async bridgeUp(): Promise<void> {
    await run('vagrant/lxc-bridge', ['up', '--bridge', bridge, '--subnet', subnet]);
  }

  async bridgeDown(): Promise<void> {
    await run('ip', ['link', 'delete', bridge]);
  }

  /** Starts `vagrant …`. */
  start(args: readonly string[], environment: Record<string, string> = {}): Call {
    const started = performance.now();
    const child = spawn('vagrant', args, {
      env: { ...process.env, ...this.environment, ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    // Ctrl-C at the tests' terminal does not reach a group of its own.
    const end = () => signalGroup(child, 'SIGTERM');
    process.once('exit', end);
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    child.stderr.on('data', (data: Buffer) => (output += data.toString()));
    const ended = new Promise<Ended>((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code) => {
        process.off('exit', end);
        resolve({ exitCode: code ?? -1, output, seconds: (performance.now() - started) / 1000 });
      });
    });
    return { process: child, ended, said: () => output, kill: () => signalGroup(child, 'SIGKILL') };
  }

  /** Runs `vagrant …` to its end, whatever that is. */
  vagrant(args: readonly string[], environment: Record<string, string> = {}): Promise<Ended> {
    return this.start(args, environment).ended;
  }

  /** Like `vagrant`, and fails with what it said. */
  async must(...args: string[]): Promise<Ended> {
    const ended = await this.vagrant(args);
    if (ended.exitCode !== 0)
      throw new Error(`vagrant ${args.join(' ')} ended with ${ended.exitCode}:\n${ended.output}`);
    return ended;
  }

  /** What a person types on the host: `vagrant ssh BOX -c "…"`. */
  ssh(box: string, command: string): Promise<Ended> {
    return this.must('ssh', box, '-c', command);
  }

  container(box: string): string {
    return `${prefix}${box}`;
  }

  /** Runs a command line in a box as root, whatever its network; resolves with what it printed, rejects with what it said. */
  async shell(box: string, command: string, timeoutMs = 60_000): Promise<string> {
    const into = [
      '-n',
      this.container(box),
      '--clear-env',
      `--set-var=PATH=${path}`,
      '--set-var=LC_ALL=C.UTF-8',
    ];
    const { stdout } = await run('lxc-attach', [...into, '--', '/bin/bash', '-c', command], {
      timeout: timeoutMs,
      maxBuffer: 64 * 1024 * 1024,
    });
    return stdout.trimEnd();
  }

  freeze = (box: string) => run('lxc-freeze', ['-n', this.container(box)]);
  thaw = (box: string) => run('lxc-unfreeze', ['-n', this.container(box)]);
  powerOff = (box: string) => run('lxc-stop', ['-k', '-n', this.container(box)]);
  powerOn = (box: string) => run('lxc-start', ['-n', this.container(box)]);
  link = (box: string, state: 'up' | 'down') =>
    run('ip', ['link', 'set', `ve-${this.container(box)}`, state]);

  /** RUNNING, STOPPED, FROZEN, or ABSENT. */
  async stateOf(box: string): Promise<string> {
    try {
      return (await run('lxc-info', ['-n', this.container(box), '-s', '-H'])).stdout.trim();
    } catch {
      return 'ABSENT';
    }
  }

  async untilBooted(box: string, timeoutMs = 60_000): Promise<void> {
    await waitFor(
      `${box} to have booted`,
      timeoutMs,
      async () => (await this.shell(box, 'systemctl is-system-running || true')) === 'running',
      250,
    );
  }

  /** The boxes of the topology, with their addresses. */
  all(): { name: string; address: string }[] {
    return this.topology().groups.flatMap(({ name, count, firstHost }) =>
      Array.from({ length: count }, (_, index) => ({
        name: `${name}${index + 1}`,
        address: `${subnet}.${firstHost + index}`,
      })),
    );
  }

  names(group = ''): string[] {
    return this.all()
      .map(({ name }) => name)
      .filter((name) => name.startsWith(group));
  }

  address(box: string): string {
    const found = this.all().find(({ name }) => name === box);
    if (!found) throw new Error(`there is no box ${box}`);
    return found.address;
  }

  /** Where people find the todo list, one address a balancer. */
  urls(): string[] {
    return this.names('nginx').map((box) => `http://${this.address(box)}/`);
  }

  get consul(): string {
    return `http://${this.address('adm1')}:8500`;
  }

  topology(): { groups: { name: string; count: number; firstHost: number }[] } {
    return JSON.parse(readFileSync(this.topologyFile, 'utf8'));
  }

  /** Scaling out: one number. */
  scale(counts: Record<string, number>): void {
    const topology = this.topology();
    for (const group of topology.groups) group.count = counts[group.name] ?? group.count;
    writeFileSync(this.topologyFile, `${JSON.stringify(topology, null, 2)}\n`);
  }
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal);
  } catch {
    // It has ended.
  }
}

export const boxes = new VagrantBoxes();
