import http from 'node:http';
import https from 'node:https';
import type { Duplex } from 'node:stream';

/** Sockets that do not keep the process alive. */
export function unreferenced(secure: boolean): http.Agent | https.Agent {
  const agent = secure ? new https.Agent({ keepAlive: true }) : new http.Agent({ keepAlive: true });
  const own = agent as unknown as {
    createConnection(options: object, callback?: unknown): Duplex & { unref?(): void };
    reuseSocket(socket: { ref(): void; unref(): void }, request: unknown): void;
  };
  const create = own.createConnection.bind(agent);
  own.createConnection = (options, callback) => {
    const socket = create(options, callback);
    socket?.unref?.();
    return socket;
  };
  const reuse = own.reuseSocket.bind(agent);
  own.reuseSocket = (socket, request) => {
    reuse(socket, request);
    socket.unref();
  };
  return agent;
}
