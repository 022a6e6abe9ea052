/** Everything the API can refuse, as RFC 9457 problem details. One table: the page and tests rely on `type`. */
export const problems = {
  'malformed-json': { status: 400, title: 'The body is not JSON' },
  'invalid-todo': { status: 400, title: 'This is not a todo' },
  'invalid-query': { status: 400, title: 'The query is not understood' },
  'invalid-request': { status: 400, title: 'The request is not valid HTTP' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'unknown-todo': { status: 404, title: 'There is no such todo' },
  'method-not-allowed': { status: 405, title: 'This method does nothing here' },
  'request-timeout': { status: 408, title: 'The request did not arrive in time' },
  'id-taken': { status: 409, title: 'Another todo has this id' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  internal: { status: 500, title: 'Something went wrong here' },
  'read-only': { status: 503, title: 'The database is read-only' },
  down: { status: 503, title: 'No database can be reached' },
  'not-ready': { status: 503, title: 'The tables are not there yet' },
  draining: { status: 503, title: 'This app is about to stop' },
  'too-many-streams': { status: 503, title: 'Too many event streams are open' },
  'outcome-unknown': { status: 504, title: 'It is not known whether this was stored' },
} as const;

export type ProblemName = keyof typeof problems;

export interface ProblemDocument {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
}

function problemType(name: ProblemName): string {
  return `urn:hotspare:problem:${name}`;
}

export function problemDocument(name: ProblemName, detail: string): ProblemDocument {
  return { type: problemType(name), title: problems[name].title, status: problems[name].status, detail };
}

/** Seconds a client should wait before it asks again; undefined when asking again does not help. */
export function retryAfterSeconds(name: ProblemName): number | undefined {
  return problems[name].status === 503 ? 2 : undefined;
}
