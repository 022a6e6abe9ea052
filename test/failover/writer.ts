import { setTimeout as delay } from 'node:timers/promises';
import { performance } from 'node:perf_hooks';
import type { Pool } from '../../sidecar/index.js';

/** Which run of which server acknowledged. */
const serverSql = `pg_postmaster_start_time()::text || ' at ' || inet_server_port()::text`;
const pauseMs = 5;

/** An app that inserts one number after the other, some at a time; what was acknowledged is kept outside the database. */
export class Writer {
  readonly acknowledged: number[] = [];
  errors = 0;
  private server = '';
  private next = 0;
  private isOver = false;
  private work: Promise<unknown> = Promise.resolve();
  private waiting: ((atMs: number) => void) | undefined;

  constructor(
    private readonly pool: Pool,
    private readonly workers = 4,
  ) {}

  start(): void {
    this.work = Promise.all(Array.from({ length: this.workers }, () => this.write()));
  }

  async end(): Promise<void> {
    this.isOver = true;
    await this.work;
  }

  /** The time of the first write that another run of a server than the newest acknowledges. */
  changed(): Promise<number> {
    return new Promise((resolve) => (this.waiting = resolve));
  }

  /** Acknowledged and not there. */
  async lost(): Promise<number> {
    const due = [...this.acknowledged];
    const { rows } = await this.pool.query<{ n: string }>('SELECT n FROM failover_bench');
    const kept = new Set(rows.map(({ n }) => Number(n)));
    return due.filter((n) => !kept.has(n)).length;
  }

  private async write(): Promise<void> {
    while (!this.isOver) {
      const n = (this.next += 1);
      try {
        const { rows } = await this.pool.query<{ server: string }>(
          `INSERT INTO failover_bench VALUES ($1) RETURNING ${serverSql} AS server`,
          [n],
        );
        this.acknowledged.push(n);
        this.seen(rows[0]!.server);
      } catch {
        this.errors += 1;
      }
      await delay(pauseMs);
    }
  }

  private seen(server: string): void {
    if (server === this.server) return;
    const isFirst = this.server === '';
    this.server = server;
    if (isFirst) return;
    this.waiting?.(performance.now());
    this.waiting = undefined;
  }
}
