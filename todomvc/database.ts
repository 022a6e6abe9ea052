import type { Mode, Role, Target } from '../common/names.js';
import type { Todo, TodoDraft, TodoPatch } from './core/todo.js';

/** What the app has now, since when, and why: the sentence is for people. */
export interface ModeReport {
  readonly mode: Mode;
  readonly since: Date;
  readonly reason: string;
}

/** Which member answered a read, as the server itself said. */
export interface ReadFrom {
  readonly target: Target;
  readonly role: Role;
}

/** Something read, and where it was read; null when the server has no address (a socket file). */
export interface Read<T> {
  readonly value: T;
  readonly from: ReadFrom | null;
}

export type Created =
  | { readonly outcome: 'created'; readonly todo: Todo }
  /** The id is there with the same content: an earlier try of the same request. */
  | { readonly outcome: 'already there'; readonly todo: Todo }
  | { readonly outcome: 'id taken' };

/**
 * All the app needs of its database. Reads come from the primary, so that a todo just stored is seen; from the hot spare, too,
 * for whoever comes with tokens (see `readToken`), once it shows that much; and from the hot spare while there is no
 * primary. Everything may fail with `DatabaseUnavailable`.
 */
export interface Database {
  readonly mode: ModeReport;
  /** Calls on every change of mode; the returned function ends that. */
  onMode(listener: (report: ModeReport) => void): () => void;
  /** Calls after somebody, here or on another box, changed todos; also when changes may have been missed. */
  onChange(listener: () => void): () => void;

  /** `after`: what the client knows of must be seen. */
  list(after?: readonly string[]): Promise<Read<Todo[]>>;
  find(id: string, after?: readonly string[]): Promise<Read<Todo | undefined>>;
  /** Stands for all that is stored now. Null: not to be had, so read without. Never rejects, takes a moment at most. */
  readToken(): Promise<string | null>;

  /** Repeating it with the same content stores nothing twice. */
  create(draft: TodoDraft & { readonly id: string }): Promise<Created>;
  /** The todo as it is afterwards, undefined when there is none. Repeatable. */
  update(id: string, patch: TodoPatch): Promise<Todo | undefined>;
  /** Whether there was one. Repeatable. */
  remove(id: string): Promise<boolean>;
  /** Removes all, or those with this `completed`. Repeatable. */
  removeAll(where: { readonly completed?: boolean }): Promise<void>;

  close(): Promise<void>;
}

/** Why the database did not do it. `outcome-unknown`: a write may have happened or not. */
export type UnavailableKind = 'read-only' | 'down' | 'not-ready' | 'outcome-unknown';

/** A failure that is nobody's mistake and passes by itself. */
export class DatabaseUnavailable extends Error {
  constructor(
    readonly kind: UnavailableKind,
    message: string,
    options?: { cause: unknown },
  ) {
    super(message, options);
    this.name = 'DatabaseUnavailable';
  }
}
