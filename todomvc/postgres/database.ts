import { sleep, type Clock } from '../../common/clock.js';
import type { Mode } from '../../common/names.js';
import type { Pool } from '../../sidecar/index.js';
import { sameContent, type Todo, type TodoDraft, type TodoPatch } from '../core/todo.js';
import { DatabaseUnavailable, type Created, type Database, type ModeReport, type Read } from '../database.js';
import { failureOf } from './failure.js';
import * as sql from './sql.js';

/** A read that was cut off by a failover is asked again this often, in this rhythm. */
const readRetry = { attempts: 20, delayMs: 25 };

/** The port over the library's pool: it routes, this only speaks SQL. */
export class PostgresDatabase implements Database {
  #reason = 'no database has been reached yet';
  readonly #changeListeners = new Set<() => void>();
  readonly #modeListeners = new Set<(report: ModeReport) => void>();

  constructor(
    private readonly pool: Pool,
    private readonly clock: Clock,
  ) {
    pool.on('mode', (_mode: Mode, detail: { reason: string }) => {
      this.#reason = detail.reason;
      for (const listener of this.#modeListeners) listener(this.mode);
    });
  }

  get mode(): ModeReport {
    return { mode: this.pool.mode, since: this.pool.modeSince, reason: this.#reason };
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

  list(): Promise<Read<Todo[]>> {
    return this.#read(sql.listTodos);
  }

  async find(id: string): Promise<Read<Todo | undefined>> {
    const { value, from } = await this.#read(sql.findTodo, [id]);
    return { value: value[0], from };
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

  async #write<Row extends object>(text: string, values: unknown[]): Promise<Row[]> {
    try {
      return (await this.pool.query<Row>(text, values)).rows;
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** Reading twice does no harm, so a read cut off half-way is simply asked again, elsewhere by then. */
  async #read(text: string, values: unknown[] = []): Promise<Read<Todo[]>> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const { rows } = await this.pool.query<ReadRow>(text, values);
        const [row] = rows;
        if (row === undefined) throw new Error('a read came back without its row');
        return { value: row.todos, from: readFrom(row) };
      } catch (error) {
        const failure = failureOf(error);
        const again = failure instanceof DatabaseUnavailable && failure.kind === 'outcome-unknown';
        if (!again || attempt >= readRetry.attempts) throw failure;
        await sleep(this.clock, readRetry.delayMs);
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
