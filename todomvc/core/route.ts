import { parseId } from './todo.js';

/** Where a path leads. */
export type Route =
  | { readonly to: 'todos' }
  | { readonly to: 'todo'; readonly id: string }
  | { readonly to: 'unknown-todo' }
  | { readonly to: 'events' }
  | { readonly to: 'health' }
  | { readonly to: 'file'; readonly path: string };

/** What may be done at a place; HEAD goes wherever GET does. */
export const allowedMethods: Readonly<Record<Route['to'], readonly string[]>> = {
  todos: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  todo: ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
  'unknown-todo': ['GET', 'HEAD', 'PATCH', 'DELETE', 'OPTIONS'],
  events: ['GET', 'OPTIONS'],
  health: ['GET', 'HEAD'],
  file: ['GET', 'HEAD'],
};

/** `path` as it came in the request line, without the query. A text that is no UUID names no todo. */
export function routeOf(path: string): Route {
  if (path === '/todos' || path === '/todos/') return { to: 'todos' };
  if (path.startsWith('/todos/')) {
    const id = parseId(path.slice('/todos/'.length));
    return id === undefined ? { to: 'unknown-todo' } : { to: 'todo', id };
  }
  if (path === '/events') return { to: 'events' };
  if (path === '/healthz') return { to: 'health' };
  return { to: 'file', path };
}
