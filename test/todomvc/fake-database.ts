import type { Mode } from '../../common/names.js';
import { sameContent, type Todo, type TodoDraft, type TodoPatch } from '../../todomvc/core/todo.js';
import {
  DatabaseUnavailable,
  type Created,
  type Database,
  type ModeReport,
  type Read,
  type UnavailableKind,
} from '../../todomvc/database.js';

const primary = { host: '192.0.2.1', port: 5432 };
const replica = { host: '192.0.2.2', port: 5432 };

/** The database port in memory, with the faults a test needs. Passes the same suite as the real one. */
export class FakeDatabase implements Database {
  #todos: Todo[] = [];
  #mode: ModeReport = { mode: 'read-write', since: new Date(0), reason: 'primary proven' };
  #nextWrite: { kind: UnavailableKind; stored: boolean } | undefined;
  #held: Promise<void> | undefined;
  readonly #modeListeners = new Set<(report: ModeReport) => void>();
  readonly #changeListeners = new Set<() => void>();
  /** How many statements `hold` keeps waiting. */
  waiting = 0;
  /** The tokens that came with each read. */
  readonly readAfter: (readonly string[])[] = [];
  #writes = 0;
  closed = false;

  get mode(): ModeReport {
    return this.#mode;
  }

  setMode(mode: Mode, reason = `set to ${mode} by the test`, since = new Date()): void {
    this.#mode = { mode, since, reason };
    for (const listener of this.#modeListeners) listener(this.#mode);
  }

  /** The next write fails like this; `stored`: after it took effect, as when only the confirmation is lost. */
  failNextWrite(kind: UnavailableKind, options: { stored: boolean } = { stored: false }): void {
    this.#nextWrite = { kind, ...options };
  }

  /** Nothing is answered until the returned function is called. */
  hold(): () => void {
    let release = () => {};
    this.#held = new Promise((resolve) => (release = resolve));
    return () => {
      this.#held = undefined;
      release();
    };
  }

  onMode(listener: (report: ModeReport) => void): () => void {
    this.#modeListeners.add(listener);
    return () => this.#modeListeners.delete(listener);
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  async list(after: readonly string[] = []): Promise<Read<Todo[]>> {
    const order = ({ order }: Todo) => order ?? Number.POSITIVE_INFINITY;
    return this.#read(
      [...this.#todos].sort((a, b) => (order(a) === order(b) ? 0 : order(a) - order(b))),
      after,
    );
  }

  async find(id: string, after: readonly string[] = []): Promise<Read<Todo | undefined>> {
    return this.#read(
      this.#todos.find((todo) => todo.id === id),
      after,
    );
  }

  async readToken(): Promise<string | null> {
    return this.#mode.mode === 'read-write' ? `token-${this.#writes}` : null;
  }

  create(draft: TodoDraft & { readonly id: string }): Promise<Created> {
    return this.#write((): Created => {
      const there = this.#todos.find(({ id }) => id === draft.id);
      if (there)
        return sameContent(there, draft)
          ? { outcome: 'already there', todo: there }
          : { outcome: 'id taken' };
      const { id, title, completed, order } = draft;
      const todo = { id, title, completed, order };
      this.#todos.push(todo);
      return { outcome: 'created', todo };
    });
  }

  update(id: string, patch: TodoPatch): Promise<Todo | undefined> {
    return this.#write(() => {
      this.#todos = this.#todos.map((todo) => (todo.id === id ? { ...todo, ...patch } : todo));
      return this.#todos.find((todo) => todo.id === id);
    });
  }

  remove(id: string): Promise<boolean> {
    return this.#write(() => {
      const before = this.#todos.length;
      this.#todos = this.#todos.filter((todo) => todo.id !== id);
      return this.#todos.length < before;
    });
  }

  removeAll({ completed }: { readonly completed?: boolean }): Promise<void> {
    return this.#write(() => {
      this.#todos = this.#todos.filter((todo) => completed !== undefined && todo.completed !== completed);
    });
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  async #wait(): Promise<void> {
    this.waiting += 1;
    await this.#held;
    this.waiting -= 1;
  }

  async #read<T>(value: T, after: readonly string[]): Promise<Read<T>> {
    this.readAfter.push(after);
    await this.#wait();
    const { mode } = this.#mode;
    if (mode === 'down') throw new DatabaseUnavailable('down', 'No member can be reached.');
    return {
      value,
      from:
        mode === 'read-write' && after.length === 0
          ? { target: primary, role: 'primary' }
          : { target: replica, role: 'replica' },
    };
  }

  async #write<T>(work: () => T): Promise<T> {
    await this.#wait();
    const fault = this.#nextWrite;
    this.#nextWrite = undefined;
    const { mode } = this.#mode;
    if (mode !== 'read-write') throw new DatabaseUnavailable(mode, `The database is ${mode}.`);
    if (fault && !fault.stored) throw new DatabaseUnavailable(fault.kind, 'Failed by the test.');
    const result = work();
    this.#writes += 1;
    for (const listener of this.#changeListeners) listener();
    if (fault) throw new DatabaseUnavailable(fault.kind, 'Failed by the test after storing.');
    return result;
  }
}
