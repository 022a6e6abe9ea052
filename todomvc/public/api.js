// The requests. Every outcome is a value: the caller decides what to tell and whether to try again.

const writeDeadlineMs = 15_000;
const problem = (name) => `urn:hotspare:problem:${name}`;

/** `after`: a token that came with an event, or null for all there is. { kind: 'read', todos, served } or { kind: 'failed', served } */
export async function readTodos(after) {
  try {
    const response = await fetch('/todos', {
      cache: 'no-store',
      headers: { 'X-Hotspare-Read-After': after ?? 'newest' },
      signal: AbortSignal.timeout(writeDeadlineMs),
    });
    const served = servedOf(response);
    if (!response.ok) return { kind: 'failed', served };
    return { kind: 'read', todos: await response.json(), served };
  } catch {
    return { kind: 'failed', served: null };
  }
}

/**
 * Sends one change. `done`: it is stored (`todo` as it is now, where there is one). `refused`: it never will be.
 * `again`: not stored (`notStored`), or not known; sending it again is safe because every change says what shall be, and a new
 * todo carries its own id.
 */
export async function sendChange(change) {
  let response;
  try {
    response = await fetch(...requestOf(change));
  } catch {
    return { kind: 'again', why: 'No answer came, so it is not known whether it was stored.' };
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return { kind: 'done', todo: body };
  // Gone already, or stored by an earlier try and edited since: what was wanted has happened.
  if (response.status === 404 && change.kind === 'remove') return { kind: 'done', todo: null };
  if (response.status === 409 && change.kind === 'create') return { kind: 'done', todo: null };
  if (response.status === 404 && change.kind === 'update')
    return { kind: 'refused', why: 'Somebody removed this todo in the meantime.' };
  if (response.status < 500 && response.status !== 408 && response.status !== 429)
    return { kind: 'refused', why: body?.detail ?? `The app answered ${response.status}.` };
  return { kind: 'again', ...whyAgain(response.status, body?.type) };
}

function whyAgain(status, type) {
  switch (type) {
    case problem('read-only'):
      return { why: 'The database is read-only.', notStored: true };
    case problem('down'):
    case problem('not-ready'):
      return { why: 'No database can be reached.', notStored: true };
    case problem('outcome-unknown'):
      return { why: 'The connection was lost half-way, so it is not known whether it was stored.' };
    case problem('no-web-app'):
    case problem('web-app-silent'):
      return { why: 'No web app answered, so it is not known whether it was stored.' };
    default:
      return { why: `The app could not do it (${status}).` };
  }
}

function requestOf(change) {
  const json = (method, value) => ({
    method,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value),
    signal: AbortSignal.timeout(writeDeadlineMs),
  });
  switch (change.kind) {
    case 'create':
      return ['/todos', json('POST', { id: change.id, title: change.title })];
    case 'update':
      return [`/todos/${change.id}`, json('PATCH', change.patch)];
    case 'remove':
      return [`/todos/${change.id}`, { method: 'DELETE', signal: AbortSignal.timeout(writeDeadlineMs) }];
    case 'clear-completed':
      return ['/todos?completed=true', { method: 'DELETE', signal: AbortSignal.timeout(writeDeadlineMs) }];
    default:
      throw new Error(`no such change: ${change.kind}`);
  }
}

function servedOf({ headers }) {
  return {
    servedBy: headers.get('X-Served-By'),
    mode: headers.get('X-Hotspare-Mode'),
    readFrom: headers.get('X-Hotspare-Read-From'),
    readRole: headers.get('X-Hotspare-Read-Role'),
  };
}
