import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { codeOf } from '../../common/errors.js';
import { targetKey } from '../../common/names.js';
import { listenAt } from '../../common/runtime/listen.js';
import { problems } from '../core/problem.js';
import { routeOf } from '../core/route.js';
import { handle, type HandlerDeps } from './handler.js';
import { problemReply, type Reply } from './reply.js';

/** The listening part, with what draining needs to know. */
export interface WebServer {
  readonly port: number;
  /** When the last request began that was not a health check (monotonic ms). */
  lastRequestMs(): number;
  /** Takes no more connections, lets requests in flight finish; cuts what is left after `graceMs`. */
  close(graceMs: number): Promise<void>;
}

/** Rejects with a UserError (exit code 1) when the address cannot be had. */
export async function listen(
  address: { readonly host: string; readonly port: number },
  deps: HandlerDeps,
): Promise<WebServer> {
  let lastRequestMs = deps.clock.nowMs();
  const server = createServer(
    {
      // A connection without a complete header is gone after 5 s: Node looks at them only every so often.
      headersTimeout: 4_500,
      // Backstop behind the deadline for bodies; a client that trickles its headers meets this one.
      requestTimeout: 30_000,
      connectionsCheckingInterval: 500,
      // Longer than balancers keep idle connections (nginx: 60 s), so that they close first.
      keepAliveTimeout: 75_000,
    },
    (request, response) => {
      if (routeOf(request.url ?? '/').to !== 'health') lastRequestMs = deps.clock.nowMs();
      void handle(request, response, deps);
    },
  );
  server.on('clientError', answerUnparsable);
  await listenAt(server, address, {
    what: `cannot listen on ${targetKey(address)}`,
    host: 'set HOST to an address of this machine',
    port: 'set PORT',
  });
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : address.port,
    lastRequestMs: () => lastRequestMs,
    close: (graceMs) =>
      new Promise((resolve) => {
        const cut = deps.clock.after(graceMs, () => server.closeAllConnections());
        server.close(() => {
          cut.cancel();
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
}

/** What is not HTTP, or comes too slowly, has no request to answer to: the reply is written by hand. */
function answerUnparsable(error: Error, socket: Socket): void {
  if (!socket.writable || codeOf(error) === 'ECONNRESET') return void socket.destroy();
  const reply: Reply =
    codeOf(error) === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? problemReply('request-timeout', 'The request was not complete in time.')
      : problemReply('invalid-request', 'The request could not be read.');
  const body = String(reply.body);
  const phrase = reply.status === problems['request-timeout'].status ? 'Request Timeout' : 'Bad Request';
  const headers = {
    ...reply.headers,
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  socket.end(
    `HTTP/1.1 ${reply.status} ${phrase}\r\n` +
      Object.entries(headers)
        .map(([name, value]) => `${name}: ${value}\r\n`)
        .join('') +
      `\r\n${body}`,
  );
}
