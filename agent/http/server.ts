import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AgentStatus } from '../../common/agent-status.js';
import { codeOf, messageOf, UserError } from '../../common/errors.js';
import { targetKey, type Target } from '../../common/names.js';
import type { StatusServer } from '../ports.js';
import { statusText } from './text.js';

/** Serves the status, for reading only. Resolves once it listens. */
export async function serveStatus(at: Target, status: () => AgentStatus): Promise<StatusServer> {
  const server = createServer((request, response) => answer(request, response, status));
  server.requestTimeout = 5_000;
  server.headersTimeout = 5_000;
  server.maxConnections = 100;
  server.on('clientError', (_, socket) => socket.destroy());
  await listen(server, at);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answer(request: IncomingMessage, response: ServerResponse, status: () => AgentStatus): void {
  const path = (request.url ?? '').split('?')[0];
  const send = (code: number, type: string, body: string, headers: Record<string, string> = {}) =>
    response
      .writeHead(code, { 'content-type': type, 'cache-control': 'no-store', ...headers })
      .end(request.method === 'HEAD' ? undefined : body);
  if (path !== '/' && path !== '/v1/status')
    return void send(404, 'text/plain; charset=utf-8', 'not found; there are / and /v1/status\n');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return void send(405, 'text/plain; charset=utf-8', 'only GET and HEAD\n', { allow: 'GET, HEAD' });
  if (path === '/') return void send(200, 'text/plain; charset=utf-8', statusText(status()));
  send(200, 'application/json', JSON.stringify(status()) + '\n');
}

async function listen(server: Server, at: Target): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(at.port, at.host, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const where = targetKey(at);
    const why =
      codeOf(error) === 'EADDRINUSE'
        ? `port ${at.port} of ${at.host} is taken by another program; stop it or change http.port`
        : codeOf(error) === 'EADDRNOTAVAIL'
          ? `${at.host} is not an address of this machine; change http.host`
          : codeOf(error) === 'EACCES'
            ? `this user may not listen on port ${at.port}; change http.port to one above 1023`
            : messageOf(error);
    throw new UserError(`cannot serve the agent's status on ${where}: ${why}`, { cause: error });
  }
}
