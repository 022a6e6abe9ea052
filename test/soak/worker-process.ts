import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Answer, Asked } from './messages.js';

/** It ended though nobody told it to. */
export class Crashed extends Error {}

/** The app under load, seen from outside. */
export class WorkerProcess {
  #end: string | undefined;

  private constructor(private readonly child: ChildProcess) {
    child.once('exit', (code, signal) => {
      this.#end = signal ?? `exit code ${code}`;
    });
  }

  static start(): WorkerProcess {
    const file = fileURLToPath(new URL('./worker.ts', import.meta.url));
    // Standard output is for the report alone; on standard error Node says why it crashed.
    return new WorkerProcess(
      fork(file, {
        execArgv: ['--import', 'tsx', '--expose-gc'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      }),
    );
  }

  /** Rejects with Crashed when the worker ends instead of answering. One question at a time. */
  ask<K extends keyof Asked>(kind: K, ask: Asked[K]['ask']): Promise<Asked[K]['answer']> {
    const { child } = this;
    return new Promise((resolve, reject) => {
      const crashed = () => reject(new Crashed(`the app ended by itself (${this.#end})`));
      if (this.#end !== undefined) return crashed();
      child.once('exit', crashed);
      child.once('message', (answer: Answer) => {
        child.off('exit', crashed);
        if ('error' in answer) reject(new Error(answer.error));
        else resolve(answer.answer as Asked[K]['answer']);
      });
      child.send({ kind, ask });
    });
  }

  /** Lets go of it; false when it has not ended by itself within `timeoutMs`, and was killed. */
  async ends(timeoutMs: number): Promise<boolean> {
    const { child } = this;
    if (this.#end !== undefined) return true;
    const ended = new Promise<boolean>((resolve) => child.once('exit', () => resolve(true)));
    if (child.connected) child.disconnect();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<boolean>((resolve) => (timer = setTimeout(() => resolve(false), timeoutMs)));
    const itself = await Promise.race([ended, late]);
    clearTimeout(timer);
    if (!itself) child.kill('SIGKILL');
    return itself;
  }
}
