/** One thing to do. `order` is the client's own sorting number, null when it gave none. */
export interface Todo {
  readonly id: string;
  readonly title: string;
  readonly completed: boolean;
  readonly order: number | null;
}

/** What a client asks to store; `id` only when it chose its own. */
export interface TodoDraft {
  readonly id?: string;
  readonly title: string;
  readonly completed: boolean;
  readonly order: number | null;
}

/** The fields to change; an absent one stays. */
export type TodoPatch = Partial<Pick<Todo, 'title' | 'completed' | 'order'>>;

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string };

/** Longest title, in UTF-16 code units. */
export const titleLimit = 500;

/** `order` is a 32-bit integer in the table. */
const orderLimit = 2 ** 31 - 1;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The id in its one spelling (lower case), or undefined when it is not a UUID. */
export function parseId(text: string): string | undefined {
  const id = text.toLowerCase();
  return uuid.test(id) ? id : undefined;
}

/** Fields a todo does not have are ignored, so that a todo that was read can be sent back as it is. */
export function parseDraft(json: unknown): Parsed<TodoDraft> {
  const patch = parsePatch(json);
  if (!patch.ok) return patch;
  const { title, completed = false, order = null } = patch.value;
  if (title === undefined) return refuse('"title" is missing; expected a text');

  const given = (json as { id?: unknown }).id;
  if (given === undefined || given === null) return { ok: true, value: { title, completed, order } };
  const id = typeof given === 'string' ? parseId(given) : undefined;
  if (id === undefined) return refuse('"id" must be a UUID, or left out');
  return { ok: true, value: { id, title, completed, order } };
}

export function parsePatch(json: unknown): Parsed<TodoPatch> {
  if (typeof json !== 'object' || json === null || Array.isArray(json))
    return refuse('the body must be one JSON object');
  const { title, completed, order } = json as Record<string, unknown>;
  const patch: { title?: string; completed?: boolean; order?: number | null } = {};

  if (title !== undefined) {
    const why = titleFault(title);
    if (why !== undefined) return refuse(why);
    patch.title = title as string;
  }
  if (completed !== undefined) {
    if (typeof completed !== 'boolean') return refuse('"completed" must be true or false');
    patch.completed = completed;
  }
  if (order !== undefined) {
    if (order !== null && !isOrder(order))
      return refuse(`"order" must be a whole number within ±${orderLimit}`);
    patch.order = order;
  }
  return { ok: true, value: patch };
}

/** Repeating a POST is safe when it says the same again. */
export function sameContent(todo: Todo, draft: TodoDraft): boolean {
  return todo.title === draft.title && todo.completed === draft.completed && todo.order === draft.order;
}

function titleFault(title: unknown): string | undefined {
  if (typeof title !== 'string') return '"title" must be a text';
  if (title.trim() === '') return '"title" must not be empty';
  if (title.length > titleLimit) return `"title" must have at most ${titleLimit} characters`;
  // Postgres' text holds neither; a lone surrogate would silently become another character.
  if (title.includes('\0') || /\p{Surrogate}/u.test(title))
    return '"title" must be Unicode text without NUL characters';
  return undefined;
}

function isOrder(value: unknown): value is number {
  return Number.isInteger(value) && Math.abs(value as number) <= orderLimit;
}

function refuse(why: string): { ok: false; why: string } {
  return { ok: false, why };
}
