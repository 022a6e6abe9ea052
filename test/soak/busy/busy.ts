import { fork, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';

/** Starts a process on every core that takes what it gets. They end when told, and with this process, however it ends. */
export function takeEveryCore(cores = availableParallelism()): () => void {
  const file = fileURLToPath(new URL('./busy-process.mjs', import.meta.url));
  const children = Array.from({ length: cores }, (): ChildProcess =>
    fork(file, { execArgv: [], stdio: 'ignore' }),
  );
  return () => {
    for (const child of children) if (child.connected) child.disconnect();
  };
}
