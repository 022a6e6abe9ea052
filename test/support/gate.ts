import pg from 'pg';
import { eventuallyMs } from './patience.js';
import type { RealPostgres } from './postgres.js';
import { waitFor } from './wait.js';

let lastKey = 7_000;

/**
 * A place where a statement stops until the test lets it go on: an advisory lock, held here and asked for by the
 * statement. Works on a hot standby too. What a test would otherwise hope a sleep is long enough for.
 */
export class Gate {
  private constructor(
    private readonly server: RealPostgres,
    private readonly holder: pg.Client,
    private readonly key: number,
  ) {}

  /** One closed gate on each server, under one key, so that one statement fits them all. */
  static async closeOn<T extends readonly RealPostgres[]>(
    ...servers: T
  ): Promise<{ sql: string; gates: { [I in keyof T]: Gate } }> {
    const key = ++lastKey;
    const gates = await Promise.all(
      servers.map(async (server) => {
        const holder = new pg.Client({ connectionString: server.url('postgres') });
        holder.on('error', () => {});
        await holder.connect();
        await holder.query('SELECT pg_advisory_lock($1)', [key]);
        return new Gate(server, holder, key);
      }),
    );
    return { sql: `pg_advisory_xact_lock_shared(${key})`, gates: gates as { [I in keyof T]: Gate } };
  }

  /** The backends that stand before it now. */
  async waiting(): Promise<number[]> {
    const rows = await this.server.query(
      "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted",
      [this.key],
    );
    return rows.map(([pid]) => Number(pid));
  }

  /** Until `n` backends stand before it; their pids. */
  arrivals(n = 1): Promise<number[]> {
    return waitFor(`${n} at the gate on port ${this.server.port}`, eventuallyMs, async () => {
      const pids = await this.waiting();
      return pids.length >= n && pids;
    });
  }

  /** Lets everybody through, now and later. Harmless to repeat, and after the server has died. */
  async open(): Promise<void> {
    await this.holder.end().catch(() => {});
  }
}
