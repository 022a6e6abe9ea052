import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runCommand, type CommandResult } from '../../../common/runtime/machine/command.js';
import { lxcImage } from '../../../provision/site/programs.js';
import { waitFor } from '../wait.js';

/** Why no box can be booted here; undefined when one can. */
export function whyNoBox(): string | undefined {
  if (process.getuid?.() !== 0) return 'booting a box of LXC needs root';
  if (spawnSync('lxc-start', ['--version']).error) return 'there is no LXC on this machine (package lxc)';
  if (rootfsOfBox() === undefined)
    return `the box ${lxcImage} is not among Vagrant's boxes: build and add it first (vagrant/build-lxc-box)`;
  return undefined;
}

function rootfsOfBox(): string | undefined {
  const home = process.env['VAGRANT_HOME'] ?? join(homedir(), '.vagrant.d');
  const folder = join(home, 'boxes', lxcImage.replace('/', '-VAGRANTSLASH-'));
  if (!existsSync(folder)) return undefined;
  return (
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /rootfs\.tar\.(gz|xz|zst)$/.test(file))
      .map((file) => join(folder, file))
      // Vagrant's LXC provider wants an archive of one name, which is empty where there is one of another.
      .filter((file) => statSync(file).size > 0)
      .sort()
      .at(-1)
  );
}

/** A booted box with systemd and no network, gone without a trace after `destroy`. */
export class LxcBox {
  private constructor(
    readonly name: string,
    private readonly home: string,
  ) {}

  /** Returns once systemd has finished booting. `mounts`: folders or files of this machine by their path inside; read-only there. */
  static async boot(purpose: string, mounts: Readonly<Record<string, string>> = {}): Promise<LxcBox> {
    const home = mkdtempSync(join(tmpdir(), 'hotspare-lxc-'));
    const box = new LxcBox(`hsd-${purpose}-${process.pid}`, home);
    const rootfs = join(home, box.name, 'rootfs');
    try {
      mkdirSync(rootfs, { recursive: true });
      await must('tar', ['-xf', rootfsOfBox()!, '--numeric-owner', '-C', rootfs, ...(await depthOf())]);
      const lines = [
        `lxc.uts.name = ${box.name}`,
        `lxc.rootfs.path = dir:${rootfs}`,
        'lxc.apparmor.profile = unconfined',
        'lxc.init.cmd = /sbin/init',
        'lxc.signal.halt = SIGRTMIN+4',
        'lxc.autodev = 1',
        'lxc.tty.max = 0',
        'lxc.pty.max = 1024',
        'lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed',
        'lxc.cap.drop = sys_module sys_rawio mac_admin mac_override sys_time',
        'lxc.net.0.type = empty',
        ...Object.entries(mounts).map(([inside, path]) => {
          const create = statSync(path).isDirectory() ? 'dir' : 'file';
          return `lxc.mount.entry = ${path} ${inside.replace(/^\//, '')} none bind,ro,create=${create} 0 0`;
        }),
      ];
      writeFileSync(join(home, box.name, 'config'), lines.join('\n') + '\n');
      await must('lxc-start', ['-P', home, '-n', box.name]);
      await waitFor('the box to have booted', 60_000, async () => {
        const { stdout } = await box.run('systemctl', ['is-system-running'], { timeoutMs: 5_000 });
        return /running|degraded/.test(stdout);
      });
      return box;
    } catch (error) {
      await box.destroy();
      throw error;
    }
  }

  /** Runs a program as root inside. */
  readonly run = (program: string, args: readonly string[], options: { timeoutMs: number }) =>
    this.attach([], program, args, options);

  /** Runs a program as some other account inside. */
  async runAs(uid: number, program: string, args: readonly string[], options: { timeoutMs: number }) {
    return this.attach([`--uid=${uid}`, `--gid=${uid}`], program, args, options);
  }

  /** A shell command as root; fails with what it said. */
  async shell(script: string): Promise<string> {
    const ran = await this.run('/bin/sh', ['-c', script], { timeoutMs: 60_000 });
    if (ran.exitCode !== 0) throw new Error(`${script}: ${ran.exitCode}: ${ran.stderr}${ran.stdout}`);
    return ran.stdout;
  }

  write(path: string, content: string, mode = 0o644): void {
    const file = join(this.home, this.name, 'rootfs', path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content, { mode });
  }

  async destroy(): Promise<void> {
    await runCommand('lxc-stop', ['-P', this.home, '-n', this.name, '-k'], { timeoutMs: 30_000 });
    rmSync(this.home, { recursive: true, force: true });
  }

  private attach(
    extra: readonly string[],
    program: string,
    args: readonly string[],
    { timeoutMs }: { timeoutMs: number },
  ): Promise<CommandResult> {
    const into = ['-P', this.home, '-n', this.name, '--clear-env', ...extra];
    const path = '--set-var=PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin';
    return runCommand('lxc-attach', [...into, path, '--', program, ...args], { timeoutMs });
  }
}

/** Boxes hold their tree under `rootfs/` or `./`. */
async function depthOf(): Promise<string[]> {
  const { stdout } = await runCommand('sh', ['-c', 'tar -tf "$0" | head -n 1', rootfsOfBox()!]);
  return /^(\.\/)?rootfs\//.test(stdout) ? [`--strip-components=${stdout.startsWith('./') ? 2 : 1}`] : [];
}

async function must(program: string, args: readonly string[]): Promise<void> {
  const ran = await runCommand(program, args, { timeoutMs: 120_000 });
  if (ran.exitCode !== 0) throw new Error(`${program}: ${ran.exitCode}: ${ran.stderr}${ran.stdout}`);
}
