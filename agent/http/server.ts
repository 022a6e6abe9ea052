import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { ActionAnswer, LeaveAnswer } from '../../common/agent/control.js';
import type { AgentStatus } from '../../common/agent/status.js';
import { assertNever } from '../../common/assert-never.js';
import { targetKey, type Target } from '../../common/names.js';
import { listenAt } from '../../common/runtime/listen.js';
import type { Secret } from '../../common/secret.js';
import type { FailoverControl, Kept, Leave, ServiceControl, StatusServer } from '../ports.js';
import { authorisation } from './authorisation.js';
import { mostBodyBytes, readBody } from './body.js';
import { limitStrangers } from './crowd.js';
import { answerFailover } from './failover.js';
import { refuse, route, type Route } from './route.js';
import { done } from './routes.js';
import { statusText } from './text.js';

/** A connection without a complete header, or request, is gone after 5 s: Node looks at them only every so often. */
const timeouts = { headersTimeout: 4_500, requestTimeout: 4_500, connectionsCheckingInterval: 500 };

export interface Served {
  readonly status: () => AgentStatus;
  /** Who performs what changes something. */
  readonly control: ServiceControl;
  readonly leave: Leave;
  readonly failover: FailoverControl;
  /** Whoever has it may change something; absent: nobody may. */
  readonly secret?: Kept<Secret> | undefined;
  /** Which connections are this box's own, and not counted. Default: those from its addresses. */
  readonly isOwn?: () => boolean;
}

/** Serves the status to everybody, and start, stop and restart to who has the secret. Resolves once it listens. */
export async function serveAgent(at: Target, served: Served): Promise<StatusServer> {
  const server = createServer(timeouts, (request, response) => void answer(request, response, served));
  limitStrangers(server, served.isOwn);
  server.on('clientError', (_, socket) => socket.destroy());
  await listenAt(server, at, {
    what: `cannot serve the agent's status on ${targetKey(at)}`,
    host: 'change http.host to an address of this machine',
    port: 'change http.port',
  });
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What changes something: its body is read before it is carried out. */
const changing: ReadonlySet<Route['kind']> = new Set(['act', 'leave', 'order', 'policy']);

async function answer(request: IncomingMessage, response: ServerResponse, served: Served): Promise<void> {
  const { control, failover, leave, secret, status } = served;
  // One that was replaced is no longer the secret, so the file is looked at before, and not only after, a refusal.
  if (request.headers.authorization !== undefined) await secret?.reread();
  const judged = authorisation(request.headers.authorization, secret?.current());
  const asked = { method: request.method ?? '', path: request.url ?? '', authorisation: judged };
  const from = request.socket.remoteAddress ?? 'an address unknown';
  let decided = route(asked, control.slots(), failover.services);
  let body = '';
  if (changing.has(decided.kind)) {
    const read = await readBody(request);
    if (read === 'gone') return;
    // Somebody else may have been quicker meanwhile.
    decided =
      read === 'too-long'
        ? refuse('too-long', `send a body of at most ${mostBodyBytes} bytes`)
        : route(asked, control.slots(), failover.services);
    body = read === 'too-long' ? '' : read.text;
  }
  switch (decided.kind) {
    case 'text':
      return send(request, response, done, 'text/plain; charset=utf-8', statusText(status()));
    case 'status':
      return sendJson(request, response, done, status());
    case 'report':
    case 'history':
    case 'order':
    case 'policy': {
      const said = await answerFailover(decided, body, from, failover);
      return 'refusal' in said
        ? sendJson(request, response, said.status, said.refusal)
        : sendJson(request, response, done, said.answer);
    }
    case 'act':
      return act(request, response, decided, from, control);
    case 'leave': {
      const outcome = await leave(from);
      if (outcome.kind === 'done')
        return sendJson(request, response, done, { left: outcome.left } satisfies LeaveAnswer);
      const late = refuse('late', outcome.why);
      return sendJson(request, response, late.status, late.refusal);
    }
    case 'refuse': {
      const { code } = decided.refusal;
      if (code === 'secret-wrong' || code === 'secret-missing') control.refused(asked.path, from);
      // What is left of a refused body is not waited for.
      const headers = request.complete ? decided.headers : { ...decided.headers, connection: 'close' };
      return sendJson(request, response, decided.status, decided.refusal, headers);
    }
    default:
      assertNever(decided);
  }
}

async function act(
  request: IncomingMessage,
  response: ServerResponse,
  { action, service }: Extract<Route, { kind: 'act' }>,
  from: string,
  control: ServiceControl,
): Promise<void> {
  const outcome = await control.perform(service, action, from);
  if (outcome.kind === 'failed') {
    const { status, refusal } = outcome.late ? refuse('late', outcome.why) : refuse('failed', outcome.why);
    return sendJson(request, response, status, refusal);
  }
  const { state, unit } = outcome;
  sendJson(request, response, done, { service, unit, action, state } satisfies ActionAnswer);
}

function sendJson(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  send(request, response, status, 'application/json', JSON.stringify(body) + '\n', headers);
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  type: string,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response
    .writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers })
    .end(request.method === 'HEAD' ? undefined : body);
}
