import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { sleep } from '../../clock.js';
import { codeOf, messageOf } from '../../errors.js';
import { ServiceManagerError, type ServiceManager, type UnitStatus } from '../../service-manager.js';
import { systemClock } from '../clock.js';
import { familyOf, readProcess, type ProcessInfo } from './proc.js';
import type { ProcessUnit } from './unit.js';

const pollMs = 15;
/** How long the kernel may take to end a process after SIGKILL (longer means a hung disk). */
const killTimeoutMs = 10_000;
/** How long children may take to notice that their parent is dead. */
const noticeTimeoutMs = 5_000;
/** How long init may take to collect a process that has ended. */
const reapTimeoutMs = 10_000;

/**
 * Units as processes of this machine, with no daemon of its own: each runs as leader of its own session, a small file
 * names its pid and start time, and any later command finds it there.
 */
export class ProcessManager implements ServiceManager {
  private readonly units: ReadonlyMap<string, ProcessUnit>;

  constructor(
    units: readonly ProcessUnit[],
    private readonly runDirectory: string,
  ) {
    this.units = new Map(units.map((unit) => [unit.name, unit]));
  }

  async status(name: string): Promise<UnitStatus> {
    this.unit(name);
    const main = this.mainProcess(name);
    if (main === undefined) return { state: 'stopped' };
    if (main === 'gone') return { state: 'failed' };
    return { state: main.state === 'T' ? 'frozen' : 'running', pid: main.pid };
  }

  async start(name: string): Promise<void> {
    const unit = this.unit(name);
    const main = this.mainProcess(name);
    if (main !== undefined && main !== 'gone') return;
    await this.endOrphans(name);
    await this.untilReaped(name);
    mkdirSync(this.runDirectory, { recursive: true });
    mkdirSync(dirname(unit.logFile), { recursive: true });
    const log = openSync(unit.logFile, 'a');
    const pidFile = openSync(this.pidFile(name), 'w');
    try {
      // The child itself writes who it is, before it becomes the program: a starter that dies now leaves no unknown process.
      const child = spawn(
        '/bin/sh',
        ['-c', 'cat "/proc/$$/stat" >&3 && exec 3>&- && exec "$@"', 'sh', ...unit.command],
        {
          cwd: unit.workingDirectory,
          env: { ...unit.environment },
          detached: true,
          stdio: ['ignore', log, log, pidFile],
          ...(unit.account ? { uid: unit.account.uid, gid: unit.account.gid } : {}),
        },
      );
      await new Promise<void>((resolve, reject) => {
        child.once('spawn', resolve);
        child.once('error', reject);
      });
      child.unref();
    } catch (error) {
      rmSync(this.pidFile(name), { force: true });
      throw new ServiceManagerError('failed', `${name} could not be started: ${messageOf(error)}`, {
        cause: error,
      });
    } finally {
      closeSync(log);
      closeSync(pidFile);
    }
    await this.untilNamed(name);
  }

  async stop(name: string): Promise<void> {
    const unit = this.unit(name);
    const main = this.mainProcess(name);
    if (main !== undefined && main !== 'gone') {
      const family = familyOf(main.pid);
      // A stopped process handles no signal before it is continued.
      signalAll(family, 'SIGCONT');
      signal(main.pid, unit.stopSignal);
      await untilGone(family, unit.stopTimeoutMs);
      await endAll(name, family);
    }
    await this.endOrphans(name);
    if (existsSync(this.pidFile(name))) renameSync(this.pidFile(name), this.lastPidFile(name));
  }

  async restart(name: string): Promise<void> {
    await this.stop(name);
    await this.start(name);
  }

  async kill(name: string): Promise<void> {
    const unit = this.unit(name);
    const main = this.mainProcess(name);
    if (main === undefined || main === 'gone') return;
    // Taken now: children with sessions of their own can't be told from strangers once their parent is dead.
    const family = familyOf(main.pid);
    signal(main.pid, 'SIGKILL');
    if (unit.killMode === 'process') {
      // Frozen ones would never notice.
      signalAll(family, 'SIGCONT');
      await untilGone(family, noticeTimeoutMs);
    }
    await endAll(name, family);
    await this.endOrphans(name);
  }

  async freeze(name: string): Promise<void> {
    signalAll(familyOf(this.running(name).pid), 'SIGSTOP');
  }

  async thaw(name: string): Promise<void> {
    signalAll(familyOf(this.running(name).pid), 'SIGCONT');
  }

  private unit(name: string): ProcessUnit {
    const unit = this.units.get(name);
    if (!unit)
      throw new ServiceManagerError(
        'unknown',
        `there is no ${name}; known are ${[...this.units.keys()].join(', ')}`,
      );
    return unit;
  }

  private running(name: string): ProcessInfo {
    this.unit(name);
    const main = this.mainProcess(name);
    if (main === undefined || main === 'gone')
      throw new ServiceManagerError('failed', `${name} is not running`);
    return main;
  }

  private pidFile(name: string): string {
    return join(this.runDirectory, `${name}.pid`);
  }

  private lastPidFile(name: string): string {
    return join(this.runDirectory, `${name}.last`);
  }

  private remembered(file: string): { pid: number; startTicks: number } | undefined {
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return undefined;
      throw error;
    }
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const pid = Number.parseInt(text, 10);
    return Number.isInteger(pid) && fields.length > 19 ? { pid, startTicks: Number(fields[19]) } : undefined;
  }

  /** The unit's live main process; `gone` when it was started and has ended; undefined when it was not started. */
  private mainProcess(name: string): ProcessInfo | 'gone' | undefined {
    const remembered = this.remembered(this.pidFile(name));
    if (!remembered) return undefined;
    const process = readProcess(remembered.pid);
    return process && process.state !== 'Z' && process.startTicks === remembered.startTicks
      ? process
      : 'gone';
  }

  /** What an earlier run left in its session: nginx workers whose master was killed by somebody else. */
  private async endOrphans(name: string): Promise<void> {
    const remembered = this.remembered(this.pidFile(name));
    if (remembered && this.isOurs(remembered)) await endAll(name, familyOf(remembered.pid));
  }

  /** False when the pid has meanwhile been given to some other program. */
  private isOurs(remembered: { pid: number; startTicks: number }): boolean {
    const process = readProcess(remembered.pid);
    return process === undefined || process.startTicks === remembered.startTicks;
  }

  /**
   * A process that has ended keeps its pid until init collects it, and some inits take their time. Until then a pid
   * file of the program's own (Postgres' postmaster.pid) still seems to name a live process.
   */
  private async untilReaped(name: string): Promise<void> {
    const deadline = systemClock.nowMs() + reapTimeoutMs;
    for (const file of [this.pidFile(name), this.lastPidFile(name)]) {
      const remembered = this.remembered(file);
      while (remembered && readProcess(remembered.pid)?.startTicks === remembered.startTicks) {
        if (systemClock.nowMs() > deadline) return;
        await sleep(systemClock, 2);
      }
    }
  }

  private async untilNamed(name: string): Promise<void> {
    const deadline = systemClock.nowMs() + 5_000;
    while (this.remembered(this.pidFile(name)) === undefined) {
      if (systemClock.nowMs() > deadline)
        throw new ServiceManagerError('late', `${name} was started but never said its pid`);
      await sleep(systemClock, 2);
    }
  }
}

function signalAll(family: readonly ProcessInfo[], name: NodeJS.Signals): void {
  for (const member of family) if (isAlive(member)) signal(member.pid, name);
}

function isAlive({ pid, startTicks }: ProcessInfo): boolean {
  const now = readProcess(pid);
  return now !== undefined && now.startTicks === startTicks && now.state !== 'Z';
}

async function untilGone(family: readonly ProcessInfo[], timeoutMs: number): Promise<boolean> {
  const deadline = systemClock.nowMs() + timeoutMs;
  while (family.some(isAlive)) {
    if (systemClock.nowMs() > deadline) return false;
    await sleep(systemClock, pollMs);
  }
  return true;
}

async function endAll(name: string, family: readonly ProcessInfo[]): Promise<void> {
  signalAll(family, 'SIGKILL');
  if (await untilGone(family, killTimeoutMs)) return;
  const pids = family.filter(isAlive).map(({ pid }) => pid);
  throw new ServiceManagerError(
    'late',
    `${name} does not end even after SIGKILL (pid ${pids.join(', ')}); is its disk hung?`,
  );
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    // It ended between being listed and being signalled.
    if (codeOf(error) !== 'ESRCH') throw error;
  }
}
