import type { IncomingMessage, ServerResponse } from 'node:http';
import { DeadlineError, withDeadline, type Clock } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import { originOf } from '../core/origin.js';
import { cookieWith, outcomeOf, readAfter, readAfterHeader } from '../core/read-after.js';
import { allowedMethods, routeOf, type Route } from '../core/route.js';
import { DatabaseUnavailable, type Database } from '../database.js';
import { answerTodo, answerTodos, unknownTodo, type ApiRequest } from './api.js';
import { readJson, type BodyLimits } from './body.js';
import type { EventStreams } from './events.js';
import { jsonReply, Problem, problemReply, sendReply, type Reply } from './reply.js';
import { staticReply, type StaticFiles } from './static.js';

export interface HandlerDeps {
  /** This app's name in `X-Served-By`. */
  readonly box: string;
  readonly database: Database;
  readonly events: EventStreams;
  readonly files: StaticFiles;
  readonly limits: BodyLimits;
  /** A request that the database has not answered by then is given up, in ms. */
  readonly databaseDeadlineMs: number;
  readonly newId: () => string;
  readonly clock: Clock;
  readonly log: Log;
  /** True from the stop signal on. */
  readonly draining: () => boolean;
}

const cors = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Expose-Headers':
    'Location, Retry-After, X-Served-By, X-Hotspare-Mode, X-Hotspare-Read-From, X-Hotspare-Read-Role, X-Hotspare-Read-After',
};

/** Answers one request; never rejects. */
export async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  deps: HandlerDeps,
): Promise<void> {
  const startedMs = deps.clock.nowMs();
  const method = request.method ?? 'GET';
  const [path = '/', search = ''] = (request.url ?? '/').split('?', 2);
  const route = routeOf(path);
  let reply: Reply | 'stream';
  let fault: unknown;
  try {
    reply = await answer({ request, response, method, route, search }, deps);
  } catch (error) {
    reply = replyTo(error, method);
    if (reply.status === 500) fault = error;
  }
  if (reply === 'stream') return;
  decorate(response, route, deps);
  if (changes(method, route)) await leaveToken(request, response, reply.status, deps.database);
  sendReply(response, reply);
  logRequest(deps, { method, path, status: reply.status, startedMs, fault });
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly route: Route;
  readonly search: string;
}

async function answer(exchange: Exchange, deps: HandlerDeps): Promise<Reply | 'stream'> {
  const { request, response, method, route } = exchange;
  const allowed = allowedMethods[route.to];
  if (!allowed.includes(method)) {
    // A path that leads nowhere is 404 whatever the method.
    if (route.to === 'file' && !deps.files.has(route.path))
      return staticReply(deps.files, route.path, undefined);
    throw new Problem('method-not-allowed', `Allowed here: ${allowed.join(', ')}.`, {
      Allow: allowed.join(', '),
    });
  }
  if (method === 'OPTIONS') return preflight(allowed);

  switch (route.to) {
    case 'todos':
      return withinDeadline(exchange, deps, (api) => answerTodos(api, deps));
    case 'todo':
      return withinDeadline(exchange, deps, (api) => answerTodo(api, route.id, deps));
    case 'unknown-todo':
      throw unknownTodo();
    case 'health':
      return health(deps);
    case 'events':
      if (deps.draining()) throw new Problem('draining', 'Connect again: another app answers.');
      if (deps.events.full) throw new Problem('too-many-streams', 'Try again later, or close some pages.');
      decorate(response, route, deps);
      deps.events.open(response, deps.database.mode);
      return 'stream';
    case 'file':
      return staticReply(deps.files, route.path, request.headers['if-none-match']);
  }
}

/** The body has its own deadline; only waiting for the database counts here. */
async function withinDeadline(
  { request, method, search }: Exchange,
  deps: HandlerDeps,
  work: (api: ApiRequest) => Promise<Reply>,
): Promise<Reply> {
  const json =
    method === 'POST' || method === 'PATCH' ? await readJson(request, deps.limits, deps.clock) : undefined;
  const api: ApiRequest = {
    method,
    query: new URLSearchParams(search),
    origin: originOfRequest(request),
    after: readAfter({
      cookie: request.headers.cookie,
      header: single(request.headers[readAfterHeader.toLowerCase()]),
    }),
    readJson: async () => json,
  };
  return withDeadline(deps.clock, deps.databaseDeadlineMs, 'database', () => work(api));
}

function originOfRequest(request: IncomingMessage): string {
  const { localAddress = '127.0.0.1', localPort = 80, localFamily } = request.socket;
  return originOf({
    host: request.headers.host,
    forwardedProto: single(request.headers['x-forwarded-proto']),
    local: `${localFamily === 'IPv6' ? `[${localAddress}]` : localAddress}:${localPort}`,
  });
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

const changes = (method: string, { to }: Route): boolean =>
  (to === 'todos' || to === 'todo') && ['POST', 'PATCH', 'DELETE'].includes(method);

/** With it the client's next read sees this change, whichever app and whichever member answers. */
async function leaveToken(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  database: Database,
): Promise<void> {
  const outcome = outcomeOf(status);
  if (outcome === 'nothing') return;
  const token = outcome === 'done' ? await database.readToken() : null;
  if (response.headersSent) return;
  const secure = originOfRequest(request).startsWith('https:');
  response.setHeader('Set-Cookie', cookieWith(token, secure));
  if (token !== null) response.setHeader(readAfterHeader, token);
}

/** Speaks of this app, not of its database: read-only must not take the web apps out of the balancers. */
function health({ draining, box, database }: HandlerDeps): Reply {
  const status = draining() ? 'draining' : 'ok';
  return jsonReply(draining() ? 503 : 200, { status, box, mode: database.mode.mode });
}

function preflight(allowed: readonly string[]): Reply {
  return {
    status: 204,
    headers: {
      Allow: allowed.join(', '),
      'Access-Control-Allow-Methods': allowed.join(', '),
      'Access-Control-Allow-Headers': `Content-Type, ${readAfterHeader}`,
      'Access-Control-Max-Age': '600',
    },
  };
}

function replyTo(error: unknown, method: string): Reply {
  if (error instanceof Problem) return problemReply(error.problem, error.message, error.headers);
  if (error instanceof DatabaseUnavailable) return problemReply(error.kind, error.message);
  if (error instanceof DeadlineError)
    return method === 'GET' || method === 'HEAD'
      ? problemReply('down', 'The database did not answer in time.')
      : problemReply(
          'outcome-unknown',
          'The database did not answer in time; the change may have been stored.',
        );
  return problemReply('internal', 'The log of this app says more.');
}

function decorate(response: ServerResponse, route: Route, deps: HandlerDeps): void {
  if (response.headersSent) return;
  response.setHeader('X-Served-By', deps.box);
  response.setHeader('X-Hotspare-Mode', deps.database.mode.mode);
  if (route.to !== 'file') for (const [name, value] of Object.entries(cors)) response.setHeader(name, value);
  if (deps.draining()) response.setHeader('Connection', 'close');
}

/** One line for each attempted change and for each failure of ours; reading and health checks would drown them. */
function logRequest(
  { log, clock }: HandlerDeps,
  line: { method: string; path: string; status: number; startedMs: number; fault: unknown },
): void {
  const { method, path, status, startedMs, fault } = line;
  const reading = method === 'GET' || method === 'HEAD' || method === 'OPTIONS';
  if (path === '/healthz' || (reading && status < 500)) return;
  const fields = { method, path, status, ms: Math.round(clock.nowMs() - startedMs) };
  if (fault !== undefined) log.error({ ...fields, err: fault }, 'request failed');
  else if (status >= 500) log.warn(fields, 'request not served');
  else log.info(fields, 'request');
}
