import type { ServerResponse } from 'node:http';
import { problemDocument, problems, retryAfterSeconds, type ProblemName } from '../core/problem.js';

/** An answer as a value; `sendReply` alone writes to the connection. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export function jsonReply(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store', ...headers },
    body: JSON.stringify(value),
  };
}

/** Thrown by whatever refuses a request; becomes a problem+json answer. */
export class Problem extends Error {
  constructor(
    readonly problem: ProblemName,
    detail: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(detail);
    this.name = 'Problem';
  }
}

export function problemReply(
  problem: ProblemName,
  detail: string,
  headers: Record<string, string> = {},
): Reply {
  const retryAfter = retryAfterSeconds(problem);
  return {
    status: problems[problem].status,
    headers: {
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Cache-Control': 'no-store',
      ...(retryAfter === undefined ? {} : { 'Retry-After': String(retryAfter) }),
      ...headers,
    },
    body: JSON.stringify(problemDocument(problem, detail)),
  };
}

export function sendReply(response: ServerResponse, reply: Reply): void {
  if (response.headersSent || response.destroyed) return;
  const body = reply.body === undefined ? undefined : Buffer.from(reply.body);
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (reply.status !== 204 && reply.status !== 304) response.setHeader('Content-Length', body?.length ?? 0);
  response.end(body);
}
