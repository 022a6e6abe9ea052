import { sleep, type Clock } from '../../common/clock.js';
import { plainText } from '../../common/text/plain-text.js';
import type { Pool } from '../../sidecar/index.js';
import { sameContent, type Todo, type TodoDraft, type TodoPatch } from '../core/todo.js';
import type { Created, Database, ModeReport, Read } from '../database.js';
import { failureOf, mayRepeat } from './failure.js';
import * as sql from './sql.js';

/** Half a second in all: longer than a failover to the hot spare takes. */
const repeat = { attempts: 20, delayMs: 25 };

/** The port over the library's pool: it routes, this only speaks SQL. */
export class PostgresDatabase implements Database {
  readonly #changeListeners = new Set<() => void>();
  readonly #modeListeners = new Set<(report: ModeReport) => void>();

  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
  ) {
    pool.on('mode', (mode, { since, reason }) => {
      for (const listener of this.#modeListeners) listener({ mode, since, reason: plainText(reason) });
    });
  }

  get mode(): ModeReport {
    return { mode: this.pool.mode, since: this.pool.modeSince, reason: plainText(this.pool.modeReason) };
  }

  onMode(listener: (report: ModeReport) => void): () => void {
    this.#modeListeners.add(listener);
    return () => this.#modeListeners.delete(listener);
  }

  onChange(listener: () => void): () => void {
    this.#changeListeners.add(listener);
    return () => this.#changeListeners.delete(listener);
  }

  /** For whoever listens to the server on this object's behalf. */
  tellChange(): void {
    for (const listener of this.#changeListeners) listener();
  }

  list(after: readonly string[] = []): Promise<Read<Todo[]>> {
    return this.#read(sql.listTodos, [], after);
  }

  async find(id: string, after: readonly string[] = []): Promise<Read<Todo | undefined>> {
    const { value, from } = await this.#read(sql.findTodo, [id], after);
    return { value: value[0], from };
  }

  readToken(): Promise<string | null> {
    return this.pool.readToken();
  }

  async create(draft: TodoDraft & { readonly id: string }): Promise<Created> {
    const values = [draft.id, draft.title, draft.completed, draft.order];
    for (;;) {
      const [todo] = await this.#write<Todo>(sql.insertTodo, values);
      if (todo !== undefined) return { outcome: 'created', todo };
      const there = (await this.find(draft.id)).value;
      if (there !== undefined)
        return sameContent(there, draft)
          ? { outcome: 'already there', todo: there }
          : { outcome: 'id taken' };
      // Somebody removed it between the two statements: it can be stored now.
    }
  }

  async update(id: string, patch: TodoPatch): Promise<Todo | undefined> {
    const { title, completed, order } = patch;
    const values = [id, title ?? null, completed ?? null, order !== undefined, order ?? null];
    return (await this.#write<Todo>(sql.updateTodo, values))[0];
  }

  async remove(id: string): Promise<boolean> {
    return (await this.#write(sql.deleteTodo, [id])).length > 0;
  }

  async removeAll({ completed }: { readonly completed?: boolean }): Promise<void> {
    await this.#write(sql.deleteTodos, [completed ?? null]);
  }

  async close(): Promise<void> {
    await this.pool.end();
  }

  #write<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    return this.#ask<Row>(this.pool, text, values, { reading: false });
  }

  async #read(text: string, values: unknown[], after: readonly string[]): Promise<Read<Todo[]>> {
    const on = after.length > 0 ? this.pool.readAfter(after) : this.pool;
    const [row] = await this.#ask<ReadRow>(on, text, values, { reading: true });
    if (row === undefined) throw new Error('a read came back without its row');
    return { value: row.todos, from: readFrom(row) };
  }

  /** A statement cut off by a failover is given again where that is harmless, to another member by then. */
  async #ask<Row extends object>(
    on: Pick<Pool, 'query'>,
    text: string,
    values: unknown[],
    { reading }: { reading: boolean },
  ): Promise<Row[]> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return (await on.query<Row>(text, values)).rows;
      } catch (error) {
        if (!mayRepeat(error, reading) || attempt >= repeat.attempts) throw failureOf(error);
        await sleep(this.clock, repeat.delayMs);
      }
    }
  }
}

interface ReadRow {
  readonly host: string | null;
  readonly port: number | null;
  readonly replica: boolean;
  readonly todos: Todo[];
}

function readFrom({ host, port, replica }: ReadRow): Read<unknown>['from'] {
  if (host === null || port === null) return null;
  return { target: { host, port }, role: replica ? 'replica' : 'primary' };
}
