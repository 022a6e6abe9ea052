import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HostileServer {
  readonly url: string;
  /** Path and query of every request so far. */
  readonly asked: string[];
  answer: (request: IncomingMessage, response: ServerResponse) => void;
  stop(): Promise<void>;
}

export const json = { 'content-type': 'application/json' };

/** Speaks HTTP, and says what the test wants. */
export async function startHostileServer(): Promise<HostileServer> {
  const server = createServer((request, response) => {
    self.asked.push(request.url ?? '');
    self.answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const self: HostileServer = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    answer: (_, response) => void response.end(),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return self;
}
