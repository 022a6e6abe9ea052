import { connect, type AddressInfo } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import type { Target } from '../../common/names.js';

/** Speaks TLS from the first byte on (`sslnegotiation=direct`), and plainly to a server behind it. */
export async function directTlsBefore(
  to: Target,
  { key, certificate }: { key: string; certificate: string },
): Promise<{ target: Target; close(): Promise<void> }> {
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer(
    { key, cert: certificate, ALPNProtocols: ['postgresql'] },
    (client: TLSSocket) => {
      const behind = connect(to.port, to.host);
      for (const socket of [client, behind]) {
        sockets.add(socket);
        socket.on('error', () => {});
        socket.on('close', () => {
          client.destroy();
          behind.destroy();
        });
      }
      client.pipe(behind).pipe(client);
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    target: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
