import { createHash } from 'node:crypto';
import { createConnection, createServer, type Server } from 'node:net';
import { withDeadline } from '../common/clock.js';
import { UserError, codeOf } from '../common/errors.js';
import { systemClock } from '../common/runtime/clock.js';

const askTimeoutMs = 1_000;

/** Hashed, for such names are short. */
export function lockName(directory: string): string {
  return `\0hotspare-lab:${createHash('sha256').update(directory).digest('hex').slice(0, 32)}`;
}

/**
 * Lets one command at a time change the lab in `directory`. The lock is a socket in Linux' abstract namespace: two can
 * never hold it, and the kernel frees it however its holder ends. Whoever connects is told who holds it.
 */
export async function withLock<T>(directory: string, what: string, work: () => Promise<T>): Promise<T> {
  const server = await take(lockName(directory), what);
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function take(name: string, what: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(`"${what}" is at work on this lab (pid ${process.pid})`);
  });
  try {
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(name, resolve));
    return server;
  } catch (error) {
    if (codeOf(error) !== 'EADDRINUSE') throw error;
    throw new UserError(`${await askHolder(name)}: wait until it has ended`, { cause: error });
  }
}

async function askHolder(name: string): Promise<string> {
  try {
    return await withDeadline(systemClock, askTimeoutMs, 'the holder of the lock', async (signal) => {
      const socket = createConnection({ path: name });
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      let text = '';
      for await (const data of socket) text += String(data);
      return text;
    });
  } catch {
    // It has just ended, or is too busy to answer.
    return 'another command is at work on this lab';
  }
}
