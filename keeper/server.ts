import { chmodSync, chownSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf, UserError } from '../common/errors.js';
import { request, type Answer, type Verb } from '../common/keeper/protocol.js';
import { stopped } from '../common/runtime/group.js';
import { listenAt } from '../common/runtime/listen.js';
import type { Keeper } from './keeper.js';

/** An order is one line; nobody has that much to say, in characters. */
const maxLine = 65_536;

/** Listens where only the agent's account can open it. The socket is made closed, and opened once it belongs to the group. */
export async function listen(keeper: Keeper, path: string, group: string | undefined): Promise<Server> {
  const gid = group === undefined ? undefined : gidOf(group);
  const server = createServer((socket) => serve(keeper, socket));
  rmSync(path, { force: true });
  const before = process.umask(0o177);
  try {
    const change = "change socket: in the keeper's configuration";
    await listenAt(server, path, { what: `cannot listen at ${path}`, host: change, port: change });
  } finally {
    process.umask(before);
  }
  if (gid !== undefined) {
    try {
      chownSync(path, process.getuid!(), gid);
    } catch (error) {
      server.close();
      throw new UserError(
        `${path} cannot be given to the group "${group}": ${messageOf(error)}; add the keeper's account to that group (usermod -aG ${group} ACCOUNT) and restart the keeper`,
      );
    }
    chmodSync(path, 0o660);
  }
  return server;
}

/** Until the signal; rejects when it can listen no longer. What was begun for a client is carried through all the same. */
export function untilStopped(server: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    void stopped(signal).then(() => {
      server.close();
      resolve();
    });
  });
}

function serve(keeper: Keeper, socket: Socket): void {
  let text = '';
  let taken = false;
  const say = (value: object) => {
    if (!socket.destroyed) socket.write(`${JSON.stringify(value)}\n`);
  };
  socket.setEncoding('utf8');
  socket.on('error', () => {});
  socket.on('data', (data) => {
    if (taken) return;
    text += String(data);
    const end = text.indexOf('\n');
    if (end < 0 && text.length < maxLine) return;
    taken = true;
    // Whoever asked may go away meanwhile: what was begun is carried through.
    void answerTo(keeper, text.slice(0, Math.max(end, 0)), (progress) => say({ progress })).then((answer) => {
      say(answer);
      socket.end();
    });
  });
}

async function answerTo(
  keeper: Keeper,
  line: string,
  progress: (text: string) => void,
): Promise<Answer<Verb>> {
  let order;
  try {
    order = request.read(JSON.parse(line), 'order');
  } catch (error) {
    return {
      outcome: 'refused',
      reason: 'bad-request',
      sentence: messageOf(error)
        .replace(/\p{Cc}+/gu, ' ')
        .slice(0, 500),
    };
  }
  return keeper.obey(order, progress);
}

function gidOf(name: string): number {
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  if (line === undefined)
    throw new UserError(
      `there is no group "${name}" in /etc/group; create it (groupadd ${name}), or change group: in the keeper's configuration`,
      { exitCode: 2 },
    );
  return Number(line.split(':')[2]);
}
