import { spawn } from 'node:child_process';
import type { Clock } from '../../common/clock.js';
import { codeOf, messageOf } from '../../common/errors.js';

/** Runs a program without a shell. Resolves to undefined when it ended with 0, else to a sentence. */
export function runCommand(
  command: readonly [string, ...string[]],
  options: { readonly clock: Clock; readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<string | undefined> {
  const { clock, deadlineMs, signal } = options;
  const [program, ...args] = command;
  const name = command.join(' ');
  return new Promise((resolve) => {
    // A group of its own, so that what it started ends with it.
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    let said = '';
    const keep = (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-500));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    const kill = () => {
      try {
        if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It ended already.
      }
    };
    let late = false;
    const timer = clock.after(deadlineMs, () => {
      late = true;
      kill();
    });
    signal.addEventListener('abort', kill, { once: true });
    const end = (problem: string | undefined) => {
      timer.cancel();
      signal.removeEventListener('abort', kill);
      resolve(problem && `${name}: ${problem}`);
    };
    child.on('error', (error) =>
      end(codeOf(error) === 'ENOENT' ? 'there is no such program' : `cannot be run: ${messageOf(error)}`),
    );
    child.on('exit', (code, killedBy) => {
      if (code === 0) return end(undefined);
      if (late) return end(`did not end within ${deadlineMs} ms and was killed`);
      const output = said.trim().replace(/\s+/g, ' ');
      end(`ended with ${killedBy ?? `status ${code}`}${output ? `: ${output}` : ''}`);
    });
  });
}
