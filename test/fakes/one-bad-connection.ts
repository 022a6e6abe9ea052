import { connect, createServer, type AddressInfo } from 'node:net';
import type { Target } from '../../common/names.js';

/** A TCP proxy before one server that closes its `nth` connection after `bytes` of what the server says, and no other. */
export async function oneBadConnection(to: Target, nth: number, bytes: number) {
  let count = 0;
  let closed = 0;
  const server = createServer((client) => {
    const bad = ++count === nth;
    const upstream = connect(to.port, to.host);
    for (const socket of [client, upstream]) {
      socket.on('error', () => {});
      socket.on('close', () => [client, upstream].forEach((other) => other.destroy()));
    }
    client.pipe(upstream);
    if (!bad) return void upstream.pipe(client);
    upstream.once('data', (chunk) => {
      closed += 1;
      client.end(chunk.subarray(0, bytes));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    closed: () => closed,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}
