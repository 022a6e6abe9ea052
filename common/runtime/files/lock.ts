import { createHash } from 'node:crypto';
import { rmSync } from 'node:fs';
import { createConnection, createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { withDeadline } from '../../clock.js';
import { listenTroubleOf, networkTroubleOf } from '../../network-error.js';
import { systemClock } from '../clock.js';

const askTimeoutMs = 1_000;

/**
 * Where the lock of a folder is: a socket in Linux' abstract namespace, a pipe on Windows, both of which the system frees
 * however their holder ends; elsewhere a socket file. Hashed, for such names are short.
 */
export function lockAddress(kind: string, folder: string, platform = process.platform): string {
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 32);
  if (platform === 'linux') return `\0${kind}:${hash}`;
  return platform === 'win32' ? `\\\\.\\pipe\\${kind}-${hash}` : join(tmpdir(), `${kind}-${hash}`);
}

export type Attempt =
  | { readonly state: 'taken'; readonly release: () => void }
  /** `says`: what the holder had to say; undefined when it has just ended, or is too busy to answer. */
  | { readonly state: 'held'; readonly says: string | undefined };

/** Takes the lock unless somebody has it. Whoever asks is told `says` from then on. */
export async function tryLock(address: string, says: string): Promise<Attempt> {
  try {
    return taken(await listen(address, says));
  } catch (error) {
    if (listenTroubleOf(error) !== 'taken') throw error;
  }
  const holder = await askHolder(address);
  if (holder !== 'gone' || !isFile(address))
    return { state: 'held', says: holder === 'gone' ? undefined : holder };
  // Its holder was killed, and the file is what is left.
  rmSync(address, { force: true });
  try {
    return taken(await listen(address, says));
  } catch (error) {
    if (listenTroubleOf(error) !== 'taken') throw error;
    return { state: 'held', says: undefined };
  }
}

const isFile = (address: string) => !address.startsWith('\0') && !address.startsWith('\\\\');

const taken = (server: Server): Attempt => ({ state: 'taken', release: () => void server.close() });

async function listen(address: string, says: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.end(says);
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(address, resolve));
  return server;
}

async function askHolder(address: string): Promise<string | undefined> {
  try {
    return await withDeadline(systemClock, askTimeoutMs, 'the holder of the lock', async (signal) => {
      const socket = createConnection({ path: address });
      signal.addEventListener('abort', () => socket.destroy(), { once: true });
      let text = '';
      for await (const data of socket) text += String(data);
      return text || undefined;
    });
  } catch (error) {
    return networkTroubleOf(error) === 'refused' ? 'gone' : undefined;
  }
}
