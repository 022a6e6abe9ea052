import type pg from 'pg';
import { nextTurn } from '../../../common/runtime/clock.js';
import { asText } from './heartbeat.js';

export type Row = readonly (string | null)[];
type Answered = (error: Error | undefined, row: Row) => void;

/** As much of a pg.Client as it takes to ask. */
export interface Asking {
  query(
    question: pg.QueryArrayConfig,
    answered: (error: Error | undefined, result: { readonly rows: readonly Row[] }) => void,
  ): void;
}

/** Puts one question after the other on a session: pg's own queue is on its way out. */
export class Questions {
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  constructor(private readonly client: Asking) {}

  /** `answered` hears of the first row, its values as texts, or of the error. */
  put(text: string, answered: Answered): void {
    if (this.#busy) this.#waiting.push(() => this.#send(text, answered));
    else this.#send(text, answered);
  }

  /** Null: an error. */
  row(text: string): Promise<Row | null> {
    return new Promise((resolve) => this.put(text, (error, row) => resolve(error ? null : row)));
  }

  #send(text: string, answered: Answered): void {
    this.#busy = true;
    this.client.query({ text, rowMode: 'array', types: asText }, (error, result) => {
      if (!error) this.#busy = false;
      answered(error, (!error && result.rows[0]) || []);
      // After an error the server is not ready for the next one yet.
      if (error) nextTurn(() => this.#next());
      else if (!this.#busy) this.#next();
    });
  }

  #next(): void {
    this.#busy = false;
    this.#waiting.shift()?.();
  }
}
