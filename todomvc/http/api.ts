import { targetKey } from '../../common/names.js';
import { parseDraft, parsePatch, type Todo } from '../core/todo.js';
import type { Database, Read } from '../database.js';
import { jsonReply, Problem, type Reply } from './reply.js';

/** A request at /todos or below, as far as the API cares. */
export interface ApiRequest {
  readonly method: string;
  readonly query: URLSearchParams;
  /** `http://host:port` as the client sees us. */
  readonly origin: string;
  /** Tokens for reading. */
  readonly after: readonly string[];
  /** Reads the body; rejects with a `Problem`. */
  readJson(): Promise<unknown>;
}

export interface ApiDeps {
  readonly database: Database;
  /** A new UUID, for clients that send none. */
  readonly newId: () => string;
}

const noContent: Reply = { status: 204 };

/** The collection: GET lists, POST adds, DELETE empties. The method is one of those. */
export async function answerTodos(request: ApiRequest, { database, newId }: ApiDeps): Promise<Reply> {
  switch (request.method) {
    case 'POST': {
      const draft = parseDraft(await request.readJson());
      if (!draft.ok) throw new Problem('invalid-todo', sentence(draft.why));
      const created = await database.create({ ...draft.value, id: draft.value.id ?? newId() });
      if (created.outcome === 'id taken')
        throw new Problem('id-taken', 'A todo with this id and other content is there; nothing was changed.');
      const todo = shown(created.todo, request.origin);
      return jsonReply(created.outcome === 'created' ? 201 : 200, todo, { Location: todo.url });
    }
    case 'DELETE': {
      const completed = completedOf(request.query);
      await database.removeAll(completed === undefined ? {} : { completed });
      return noContent;
    }
    default: {
      const todos = await database.list(request.after);
      return jsonReply(
        200,
        todos.value.map((todo) => shown(todo, request.origin)),
        readHeaders(todos),
      );
    }
  }
}

/** One todo: GET, PATCH, DELETE. */
export async function answerTodo(request: ApiRequest, id: string, { database }: ApiDeps): Promise<Reply> {
  switch (request.method) {
    case 'PATCH': {
      const patch = parsePatch(await request.readJson());
      if (!patch.ok) throw new Problem('invalid-todo', sentence(patch.why));
      const todo = await database.update(id, patch.value);
      if (todo === undefined) throw unknownTodo();
      return jsonReply(200, shown(todo, request.origin));
    }
    case 'DELETE': {
      if (!(await database.remove(id))) throw unknownTodo();
      return noContent;
    }
    default: {
      const found = await database.find(id, request.after);
      if (found.value === undefined) throw unknownTodo(readHeaders(found));
      return jsonReply(200, shown(found.value, request.origin), readHeaders(found));
    }
  }
}

export function unknownTodo(headers: Record<string, string> = {}): Problem {
  return new Problem('unknown-todo', 'No todo has this id; it may have been removed.', headers);
}

function shown(todo: Todo, origin: string): Todo & { url: string } {
  return { ...todo, url: `${origin}/todos/${todo.id}` };
}

function readHeaders(read: Read<unknown>): Record<string, string> {
  if (read.from === null) return {};
  return { 'X-Hotspare-Read-From': targetKey(read.from.target), 'X-Hotspare-Read-Role': read.from.role };
}

/** `DELETE /todos?completed=true` removes the completed ones in one step. */
function completedOf(query: URLSearchParams): boolean | undefined {
  const names = [...query.keys()];
  if (names.length === 0) return undefined;
  const value = query.get('completed');
  if (names.length > 1 || (value !== 'true' && value !== 'false'))
    throw new Problem(
      'invalid-query',
      'Only ?completed=true or ?completed=false is understood; nothing was removed.',
    );
  return value === 'true';
}

function sentence(why: string): string {
  return `Nothing was stored: ${why}.`;
}
