import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { sleep } from '../../clock.js';
import { codeOf, messageOf } from '../../errors.js';
import { ServiceManagerError, type ServiceManager, type UnitStatus } from '../../service-manager.js';
import { systemClock } from '../clock.js';
import { lockAddress, tryLock } from '../files/lock.js';
import { runCommand } from '../machine/command.js';
import { ProcessNotes } from './notes.js';
import { familyOf, type ProcessInfo } from './proc.js';
import { freezeAll, endAll, killTimeoutMs, signal, signalAll, untilGone } from './signals.js';
import type { ProcessUnit } from './unit.js';

const pollMs = 15;
/** How long children may take to notice that their parent is dead. */
const noticeTimeoutMs = 5_000;
/** How long what runs before a program may take, and what runs before its stop, in ms. */
const beforeTimeoutMs = 60_000;
const beforeStopTimeoutMs = 15_000;

/**
 * Units as processes of this machine, with no daemon of its own: each runs as leader of its own session, a small file
 * names its pid and start time, and any later command finds it there.
 */
export class ProcessManager implements ServiceManager {
  private readonly units: () => readonly ProcessUnit[];
  private readonly notes: ProcessNotes;

  /** `units`: all of them, or what gives all of them at that moment. */
  constructor(
    units: readonly ProcessUnit[] | (() => readonly ProcessUnit[]),
    private readonly runDirectory: string,
  ) {
    this.units = typeof units === 'function' ? units : () => units;
    this.notes = new ProcessNotes(runDirectory);
  }

  status(name: string): Promise<UnitStatus> {
    return told(name, async () => {
      this.unit(name);
      const main = this.notes.mainProcess(name);
      if (main === undefined) return { state: 'stopped' };
      if (main === 'gone') return { state: 'failed' };
      return { state: main.state === 'T' ? 'frozen' : 'running', pid: main.pid };
    });
  }

  start(name: string): Promise<void> {
    return this.alone(name, (unit) => this.startUnit(unit));
  }

  /** `isAll`: all that it works with is stopped as well, so nothing runs before it. */
  stop(name: string, { isAll = false } = {}): Promise<void> {
    return this.alone(name, async (unit) => {
      if (!isAll) await this.sayFarewell(unit);
      await this.stopUnit(unit);
    });
  }

  restart(name: string): Promise<void> {
    return this.alone(name, async (unit) => {
      await this.sayFarewell(unit);
      await this.stopUnit(unit);
      await this.startUnit(unit);
    });
  }

  /** Waits for no other order: it ends what a slow stop or a hung start waits for. */
  kill(name: string): Promise<void> {
    return told(name, () => this.killUnit(this.unit(name)));
  }

  freeze(name: string): Promise<void> {
    return told(name, () => {
      const { pid } = this.running(name);
      return freezeAll(name, () => familyOf(pid));
    });
  }

  thaw(name: string): Promise<void> {
    return told(name, async () => signalAll(familyOf(this.running(name).pid), 'SIGCONT'));
  }

  /** Starts and stops of one unit are done one after another, whoever orders them: the lab's commands, or an agent. */
  private alone(name: string, work: (unit: ProcessUnit) => Promise<void>): Promise<void> {
    return told(name, async () => {
      const unit = this.unit(name);
      const address = lockAddress('hotspare-unit', this.notes.file(name));
      const before = beforeTimeoutMs + beforeStopTimeoutMs;
      const deadline = systemClock.nowMs() + unit.stopTimeoutMs + before + killTimeoutMs;
      for (;;) {
        const lock = await tryLock(address, String(process.pid));
        if (lock.state === 'taken') {
          try {
            return await work(unit);
          } finally {
            lock.release();
          }
        }
        if (systemClock.nowMs() > deadline)
          throw new ServiceManagerError(
            'late',
            `${name} is still being started or stopped by process ${lock.says ?? '(unknown)'}`,
          );
        await sleep(systemClock, pollMs);
      }
    });
  }

  private async startUnit(unit: ProcessUnit): Promise<void> {
    const { name } = unit;
    const main = this.notes.mainProcess(name);
    if (main !== undefined && main !== 'gone') return;
    await this.endOrphans(name);
    await this.notes.untilReaped(name);
    mkdirSync(this.runDirectory, { recursive: true });
    mkdirSync(dirname(unit.logFile), { recursive: true });
    await prepare(unit);
    const log = openSync(unit.logFile, 'a');
    const pidFile = openSync(this.notes.file(name), 'w');
    try {
      // The child itself writes who it is, before it becomes the program: a starter that dies now leaves no unknown process.
      // By way of setsid, so that it is no child of an agent that starts it, and does not end with that.
      const child = spawn(
        'setsid',
        ['/bin/sh', '-c', 'cat "/proc/$$/stat" >&3 && exec 3>&- && exec "$@"', 'sh', ...unit.command],
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
      this.notes.forget(name);
      throw failed(`${name} could not be started`, error);
    } finally {
      closeSync(log);
      closeSync(pidFile);
    }
    await this.notes.untilNamed(name);
  }

  private async sayFarewell({ name, beforeStop, ...unit }: ProcessUnit): Promise<void> {
    const main = this.notes.mainProcess(name);
    if (main === undefined || main === 'gone' || !beforeStop || !existsSync(beforeStop.ifThere)) return;
    const [program, ...args] = beforeStop.command;
    const { environment, workingDirectory, logFile } = unit;
    const settings = { environment, workingDirectory, timeoutMs: beforeStopTimeoutMs };
    try {
      const ran = await runCommand(program, args, settings);
      appendFileSync(logFile, ran.stdout + ran.stderr);
    } catch {
      // It is stopped in any case, also where a program cannot be started or the disk is full.
    }
  }

  private async stopUnit(unit: ProcessUnit): Promise<void> {
    const { name } = unit;
    const main = this.notes.mainProcess(name);
    if (main !== undefined && main !== 'gone') {
      const family = familyOf(main.pid);
      // A stopped process handles no signal before it is continued.
      signalAll(family, 'SIGCONT');
      signal(main.pid, unit.stopSignal);
      await untilGone(family, unit.stopTimeoutMs);
      await endAll(name, family);
    }
    await this.endOrphans(name);
    this.notes.ended(name);
  }

  private async killUnit(unit: ProcessUnit): Promise<void> {
    const { name } = unit;
    const main = this.notes.mainProcess(name);
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

  /** What an earlier run left in its session: nginx workers whose master was killed by somebody else. */
  private async endOrphans(name: string): Promise<void> {
    const orphans = this.notes.family(name);
    if (orphans.length > 0) await endAll(name, orphans);
  }

  private unit(name: string): ProcessUnit {
    const units = this.units();
    const unit = units.find((one) => one.name === name);
    if (unit) return unit;
    const known = units.map((one) => one.name).join(', ');
    throw new ServiceManagerError('unknown', `there is no ${name}; known are ${known}`);
  }

  private running(name: string): ProcessInfo {
    this.unit(name);
    const main = this.notes.mainProcess(name);
    if (main === undefined || main === 'gone')
      throw new ServiceManagerError('failed', `${name} is not running`);
    return main;
  }
}

/** Whatever goes wrong, a ServiceManagerError says it. */
async function told<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw error instanceof ServiceManagerError ? error : failed(name, error);
  }
}

function failed(what: string, error: unknown): ServiceManagerError {
  const kind = ['EPERM', 'EACCES'].includes(codeOf(error) ?? '') ? 'refused' : 'failed';
  return new ServiceManagerError(kind, `${what}: ${messageOf(error)}`, { cause: error });
}

/** Throws a ServiceManagerError when it must not be started. */
async function prepare({ name, before, logFile, environment, workingDirectory }: ProcessUnit): Promise<void> {
  if (!before || !existsSync(before.ifThere)) return;
  const [program, ...args] = before.command;
  const ran = await runCommand(program, args, { environment, workingDirectory, timeoutMs: beforeTimeoutMs });
  appendFileSync(logFile, ran.stdout + ran.stderr);
  if (ran.exitCode === 0) return;
  const why = ran.timedOut
    ? `what runs before it did not end within ${beforeTimeoutMs / 1000} s`
    : (ran.stderr + ran.stdout).trim().slice(0, 1_000);
  throw new ServiceManagerError('failed', `${name} was not started: ${why}`);
}
