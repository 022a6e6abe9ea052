import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** One example as a process of its own, and what it has printed. */
export class Program {
  private readonly child: ChildProcess;
  private readonly ended: Promise<number | null>;
  output = '';

  constructor(
    private readonly what: string,
    args: readonly string[],
    options: { cwd: string; env: NodeJS.ProcessEnv },
  ) {
    this.child = spawn(process.execPath, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.child.stdout!, this.child.stderr!])
      stream.setEncoding('utf8').on('data', (chunk: string) => (this.output += chunk));
    this.ended = once(this.child, 'close').then(([code]) => code as number | null);
  }

  /** Until it has printed this, after what it had printed before `from`. */
  async printed(wanted: RegExp, from = 0): Promise<void> {
    const isThere = () => wanted.test(this.output.slice(from));
    try {
      await waitFor(
        `${this.what} to print ${wanted}`,
        eventuallyMs,
        () => isThere() || this.child.exitCode !== null,
      );
      if (!isThere())
        throw new Error(`${this.what} ended with ${this.child.exitCode} and did not print ${wanted}`);
    } catch (error) {
      throw new Error(`${(error as Error).message}; it printed\n${this.output}`, { cause: error });
    }
  }

  /** Ctrl-C. */
  interrupt(): this {
    this.child.kill('SIGINT');
    return this;
  }

  /** Its exit code, once it has ended and said all it had to say. */
  async code(limitMs = eventuallyMs): Promise<number | null> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), limitMs);
    const code = await this.ended;
    clearTimeout(timer);
    return code;
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}
