import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';

/** Longer than the longest run; who was killed and stops nothing leaves no machine busy for ever. */
const boundMs = 60 * 60_000;

/**
 * HOTSPARE_BUSY=1: takes every core for as long as the tests run, as a machine does that has something else to do. Each of
 * the processes ends with this one, or by itself after an hour. Returns what ends them.
 */
export function takeAllCores(): () => void {
  const program = `const parent = process.ppid;
    for (const until = performance.now() + ${boundMs}; performance.now() < until && process.ppid === parent; );`;
  const cores = availableParallelism();
  const children = Array.from({ length: cores }, () =>
    spawn(process.execPath, ['-e', program], { stdio: 'ignore' }),
  );
  console.log(`HOTSPARE_BUSY: ${cores} processes take ${cores} cores`);
  return () => children.forEach((child) => child.kill('SIGKILL'));
}
