import type { Server } from 'node:http';
import { networkInterfaces } from 'node:os';

/** Connections from elsewhere that are served at once. */
const mostStrangers = 100;

interface Ends {
  readonly remoteAddress?: string | undefined;
  readonly localAddress?: string | undefined;
}

/** Whether a connection comes from this box itself, which no crowd elsewhere may lock out. `own`: the box's addresses. */
export function isFromHere({ remoteAddress, localAddress }: Ends, own: readonly string[]): boolean {
  const from = plain(remoteAddress);
  if (from === undefined) return false;
  return from === '::1' || from.startsWith('127.') || from === plain(localAddress) || own.includes(from);
}

/** An IPv4 address as IPv6 sockets show it, without what they put before it. */
function plain(address: string | undefined): string | undefined {
  return address?.replace(/^::ffff:(?=\d+\.)/i, '');
}

function ownAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ address }) => address));
}

/** Hangs up on strangers while there are too many of them. */
export function limitStrangers(
  server: Server,
  isOwn = (ends: Ends) => isFromHere(ends, ownAddresses()),
): void {
  let strangers = 0;
  server.on('connection', (socket) => {
    if (isOwn(socket)) return;
    if (strangers >= mostStrangers) return void socket.destroy();
    strangers++;
    socket.once('close', () => strangers--);
  });
}
