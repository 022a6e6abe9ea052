import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleep } from '../../clock.js';
import { codeOf } from '../../errors.js';
import { ServiceManagerError } from '../../service-manager.js';
import { systemClock } from '../clock.js';
import { familyOf, readProcess, type ProcessInfo } from './proc.js';

/** How long init may take to collect a process that has ended. */
const reapTimeoutMs = 10_000;

/** Which process each unit is: a file a unit holds the line of /proc/PID/stat that the process wrote when it was started. */
export class ProcessNotes {
  constructor(private readonly runDirectory: string) {}

  file(name: string): string {
    return join(this.runDirectory, `${name}.pid`);
  }

  private endedFile(name: string): string {
    return join(this.runDirectory, `${name}.last`);
  }

  private read(file: string): { pid: number; startTicks: number } | undefined {
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
  mainProcess(name: string): ProcessInfo | 'gone' | undefined {
    const remembered = this.read(this.file(name));
    if (!remembered) return undefined;
    const process = readProcess(remembered.pid);
    return process && process.state !== 'Z' && process.startTicks === remembered.startTicks
      ? process
      : 'gone';
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
  async untilReaped(name: string): Promise<void> {
    const deadline = systemClock.nowMs() + reapTimeoutMs;
    for (const file of [this.file(name), this.endedFile(name)]) {
      const remembered = this.read(file);
      while (remembered && readProcess(remembered.pid)?.startTicks === remembered.startTicks) {
        if (systemClock.nowMs() > deadline) return;
        await sleep(systemClock, 2);
      }
    }
  }

  /** Until the starting process has said who it is. */
  async untilNamed(name: string): Promise<void> {
    const deadline = systemClock.nowMs() + 5_000;
    while (this.read(this.file(name)) === undefined) {
      if (systemClock.nowMs() > deadline)
        throw new ServiceManagerError('late', `${name} was started but never said its pid`);
      await sleep(systemClock, 2);
    }
  }

  /** Whoever runs in the session of the unit's present or last run; the main process need not be alive. */
  family(name: string): ProcessInfo[] {
    const remembered = this.read(this.file(name));
    return remembered && this.isOurs(remembered) ? familyOf(remembered.pid) : [];
  }

  /** Its run is over: it counts as not started. */
  ended(name: string): void {
    if (existsSync(this.file(name))) renameSync(this.file(name), this.endedFile(name));
  }

  /** It was never started. */
  forget(name: string): void {
    rmSync(this.file(name), { force: true });
  }
}
