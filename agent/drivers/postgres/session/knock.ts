import { connect } from 'node:net';
import type { Clock } from '../../../../common/clock.js';

/** SSLRequest: its length and its code. A server takes it from anybody, and answers with one letter before any log-in. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Resolves once the server takes a new connection, whatever it then says, or ends or refuses it; at the latest after
 * `giveUpMs`. It costs the server one short-lived process, no log-in and no slot.
 */
export function knock(at: { address: string; port: number }, clock: Clock, giveUpMs: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ host: at.address, port: at.port });
    const timer = clock.after(giveUpMs, () => socket.destroy(), { ref: false });
    socket.on('connect', () => socket.write(sslRequest));
    socket.on('data', () => socket.destroy());
    socket.on('error', () => {});
    socket.on('close', () => {
      timer.cancel();
      resolve();
    });
  });
}
