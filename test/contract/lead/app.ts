import type { Mode } from '../../../common/names.js';
import type { Pool } from '../../../sidecar/index.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

/** An app that writes and reads all the time, in several ways at once, and repeats nothing by itself. */
export class App {
  readonly acknowledged: number[] = [];
  readonly errors: string[] = [];
  readonly modes: Mode[] = [];
  readonly reasons: string[] = [];
  /** When it was last told that it may write, by `performance.now`. */
  writableAtMs = 0;
  longestMs = { write: 0, transaction: 0, read: 0 };
  private next = 0;
  private isOver = false;
  private work: Promise<void>[] = [];

  constructor(readonly pool: Pool) {
    pool.on('mode', (mode, { reason }) => {
      this.modes.push(mode);
      if (mode === 'read-write') this.writableAtMs = performance.now();
      this.reasons.push(`${mode}: ${reason}`);
    });
  }

  async begin(): Promise<void> {
    await this.pool.waitForMode('read-write', eventuallyMs);
    const { pool } = this;
    const insert = 'INSERT INTO tally VALUES ($1)';
    this.work = [
      this.loop('write', (n) => pool.query(insert, [n])),
      this.loop('write', (n) => pool.query(insert, [n])),
      this.loop('transaction', (n) =>
        pool.transaction(
          async (client) => {
            await client.query('SELECT count(*) FROM tally WHERE n < 10');
            await client.query(insert, [n]);
          },
          { retry: true },
        ),
      ),
      this.loop('read', () => pool.query('SELECT 1')),
      this.loop('read', () => pool.read.query('SELECT 1')),
    ];
  }

  /** Until something more was written. */
  async writesAgain(): Promise<void> {
    const before = this.acknowledged.length;
    await waitFor('another write', eventuallyMs, () => this.acknowledged.length > before + 10);
  }

  async end(): Promise<void> {
    if (this.isOver) return;
    this.isOver = true;
    await Promise.all(this.work);
    await this.pool.end();
  }

  story(): string {
    const { write, transaction, read } = this.longestMs;
    return `${this.acknowledged.length} acknowledged, ${this.errors.length} errors; longest in ms: write ${write}, transaction ${transaction}, read ${read}\n${this.reasons.join('\n')}`;
  }

  private async loop(what: keyof App['longestMs'], run: (n: number) => Promise<unknown>): Promise<void> {
    while (!this.isOver) {
      const n = (this.next += 1);
      const startMs = performance.now();
      try {
        await run(n);
        if (what !== 'read') this.acknowledged.push(n);
      } catch (error) {
        this.errors.push(
          `${what} ${n} after ${Math.round(performance.now() - startMs)} ms: ${String(error)}`,
        );
      }
      this.longestMs[what] = Math.max(this.longestMs[what], Math.round(performance.now() - startMs));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}
