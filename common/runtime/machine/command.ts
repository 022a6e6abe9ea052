import { execFile } from 'node:child_process';
import { UserError } from '../../errors.js';

export interface CommandOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly workingDirectory?: string;
  readonly account?: { readonly uid: number; readonly gid: number } | undefined;
  /** Default 60,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CommandResult {
  /** Undefined when it was ended by a signal or the time limit. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly timedOut: boolean;
}

/** Runs a program without a shell and waits for its end, whatever that is. Rejects only when it cannot be started or `signal` fires. */
export function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  const timeoutMs = options.timeoutMs ?? 60_000;
  return new Promise((resolve, reject) => {
    execFile(
      program,
      [...args],
      {
        env: { ...process.env, LC_ALL: 'C', ...options.environment },
        cwd: options.workingDirectory ?? '/',
        timeout: timeoutMs,
        killSignal: 'SIGKILL',
        maxBuffer: 16 * 1024 * 1024,
        ...(options.signal ? { signal: options.signal } : {}),
        ...(options.account ? { uid: options.account.uid, gid: options.account.gid } : {}),
      },
      (error, stdout, stderr) => {
        if (error && typeof error.code !== 'number' && !error.killed && !error.signal) return reject(error);
        if (options.signal?.aborted) return reject(options.signal.reason as Error);
        resolve({
          exitCode: error ? (typeof error.code === 'number' ? error.code : undefined) : 0,
          stdout,
          stderr,
          timedOut: error?.killed === true,
        });
      },
    );
  });
}

/** Like `runCommand`, but a failure is a UserError with what the program said. Resolves with its standard output. */
export async function mustRun(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const result = await runCommand(program, args, options);
  if (result.exitCode === 0) return result.stdout;
  const ending = result.timedOut
    ? `did not end within ${options.timeoutMs ?? 60_000} ms`
    : `ended with ${result.exitCode}`;
  const said = `${result.stderr}\n${result.stdout}`.trim().split('\n').slice(-6).join('\n  ');
  throw new UserError(`"${[program, ...args].join(' ')}" ${ending}:\n  ${said || '(it said nothing)'}`);
}
