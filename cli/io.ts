import { environment } from '../common/runtime/environment.js';
import { stopSignal } from '../common/runtime/run.js';

/** What a command uses of the process it runs in. */
export interface Io {
  out(text: string): void;
  err(text: string): void;
  readonly stderr: NodeJS.WriteStream;
  readonly environment: NodeJS.ProcessEnv;
  readonly isRoot: boolean;
  /** Whether there is a person to ask. */
  readonly isTerminal: boolean;
  /** Fires at SIGINT or SIGTERM. Reading it takes these signals over. */
  readonly stop: AbortSignal;
}

export function systemIo(process: NodeJS.Process): Io {
  let stop: AbortSignal | undefined;
  return {
    out: (text) => void process.stdout.write(text),
    err: (text) => void process.stderr.write(text),
    stderr: process.stderr,
    environment,
    isRoot: process.getuid?.() === 0,
    isTerminal: process.stdin.isTTY === true && process.stderr.isTTY === true,
    get stop() {
      return (stop ??= stopSignal());
    },
  };
}
