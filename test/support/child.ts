import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { openSync, readFileSync } from 'node:fs';
import { familyOf } from '../../common/runtime/processes/proc.js';
import { signalAll } from '../../common/runtime/processes/signals.js';
import { eventuallyMs } from './patience.js';
import { waitFor } from './wait.js';

/** A real program under test: its own session, its output in a file, and the faults a test needs. */
export class Child {
  private constructor(
    readonly process: ChildProcess,
    readonly logFile: string,
  ) {}

  static start(command: string, args: string[], logFile: string, options: SpawnOptions = {}): Child {
    const log = openSync(logFile, 'a');
    const child = spawn(command, args, { ...options, detached: true, stdio: ['ignore', log, log] });
    child.on('error', () => {});
    return new Child(child, logFile);
  }

  get pid(): number {
    if (this.process.pid === undefined) throw new Error(`did not start: ${this.process.spawnfile}`);
    return this.process.pid;
  }

  get running(): boolean {
    return (
      this.process.pid !== undefined && this.process.exitCode === null && this.process.signalCode === null
    );
  }

  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  signal(name: NodeJS.Signals): void {
    if (this.running) this.process.kill(name);
  }

  signalAll(name: NodeJS.Signals): void {
    signalAll(familyOf(this.pid), name);
    if (name !== 'SIGSTOP') return;
    // What it started meanwhile goes on otherwise: a server that forks a process for each session often does.
    const deadline = performance.now() + eventuallyMs;
    for (;;) {
      const awake = familyOf(this.pid).filter(({ state }) => state !== 'T');
      if (awake.length === 0) return;
      if (performance.now() > deadline) throw new Error(`process ${this.pid} does not stand still`);
      signalAll(awake, name);
    }
  }

  /** Reaped as well: Postgres takes a postmaster that is not for one that runs. */
  async ended(timeoutMs = eventuallyMs): Promise<void> {
    const hasEnded = () => familyOf(this.pid).length === 0 && !this.running;
    await waitFor(`process ${this.pid} to end`, timeoutMs, hasEnded);
  }
}
