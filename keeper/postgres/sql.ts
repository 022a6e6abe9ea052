import pg from 'pg';
import { withDeadline, type Clock } from '../../common/clock.js';
import type { PostgresConfig } from '../config.js';

export type Row = Readonly<Record<string, unknown>>;

/** Whatever a drain or a role's own settings say: what the keeper sends waits like any commit, and may be sent. */
const options =
  '-c default_transaction_read_only=off -c synchronous_commit=on -c statement_timeout=0 -c lock_timeout=0';

/** One session over Postgres' own socket. */
export class Session {
  /** Lost, or closed. */
  ended = false;

  private constructor(
    private readonly client: pg.Client,
    private readonly clock: Clock,
    private readonly deadlineMs: number,
    readonly pid: number,
  ) {
    for (const event of ['error', 'end'] as const) client.on(event, () => (this.ended = true));
  }

  /** `name`: its application_name. `deadlineMs`: for the log-in, and for each statement. */
  static async open(
    postgres: PostgresConfig,
    name: string,
    clock: Clock,
    deadlineMs: number,
  ): Promise<Session> {
    const client = new pg.Client({
      host: postgres.socketDir,
      port: postgres.port,
      user: postgres.user,
      database: 'postgres',
      application_name: name,
      options,
    });
    client.on('error', () => {});
    try {
      return await withDeadline(clock, deadlineMs, 'the log-in to Postgres', async (signal) => {
        signal.addEventListener('abort', () => destroy(client), { once: true });
        await client.connect();
        // Said at the log-in, which so needs no question of its own.
        const { processID } = client as unknown as { readonly processID: number };
        return new Session(client, clock, deadlineMs, processID);
      });
    } catch (error) {
      destroy(client);
      throw error;
    }
  }

  async query<R extends Row = Row>(
    sql: string,
    params: readonly unknown[] = [],
    deadlineMs = this.deadlineMs,
  ): Promise<R[]> {
    return withDeadline(this.clock, deadlineMs, 'Postgres', async (signal) => {
      signal.addEventListener('abort', () => this.close(), { once: true });
      return (await this.client.query<R>(sql, [...params])).rows;
    });
  }

  /** All at once, in one round trip; of none of them has the other a parameter. Rows in the same order. */
  async queries<const S extends readonly string[]>(
    statements: S,
    deadlineMs = this.deadlineMs,
  ): Promise<{ [K in keyof S]: Row[] }> {
    return withDeadline(this.clock, deadlineMs, 'Postgres', async (signal) => {
      signal.addEventListener('abort', () => this.close(), { once: true });
      const results = (await this.client.query(statements.join(';\n'))) as unknown as { rows: Row[] }[];
      return results.map(({ rows }) => rows) as { [K in keyof S]: Row[] };
    });
  }

  /** Sends it and does not wait; for a barrier, which may never return. */
  send(sql: string, params: readonly unknown[]): Promise<void> {
    const sent = this.client.query(sql, [...params]).then(() => {});
    sent.catch(() => {});
    return sent;
  }

  /** At once, without a farewell: its backend may be waiting for something that does not come. */
  close(): void {
    this.ended = true;
    destroy(this.client);
  }
}

function destroy(client: pg.Client): void {
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
}

/**
 * The one session that is kept open: when every slot is taken by commits that wait behind the gate, it is still there (G3).
 * Opened when first asked, and again when it is lost.
 */
export class ReservedSession {
  private current: Promise<Session> | undefined;
  constructor(
    private readonly postgres: PostgresConfig,
    private readonly clock: Clock,
    private readonly deadlineMs: number,
  ) {}

  query<R extends Row = Row>(
    sql: string,
    params: readonly unknown[] = [],
    deadlineMs?: number,
  ): Promise<R[]> {
    return this.onSession((session) => session.query<R>(sql, params, deadlineMs));
  }

  queries<const S extends readonly string[]>(
    statements: S,
    deadlineMs?: number,
  ): Promise<{ [K in keyof S]: Row[] }> {
    return this.onSession((session) => session.queries(statements, deadlineMs));
  }

  private async onSession<T>(work: (session: Session) => Promise<T>): Promise<T> {
    if ((await this.current?.catch(() => undefined))?.ended) this.current = undefined;
    const current = (this.current ??= Session.open(
      this.postgres,
      'hotspare keeper',
      this.clock,
      this.deadlineMs,
    ));
    try {
      return await work(await current);
    } catch (error) {
      // An SQL error leaves it whole.
      if (!(error instanceof pg.DatabaseError) || /^(57P|08)/.test(error.code ?? '')) {
        if (this.current === current) this.current = undefined;
        void current.then((session) => session.close()).catch(() => {});
      }
      throw error;
    }
  }

  close(): void {
    void this.current?.then((session) => session.close()).catch(() => {});
    this.current = undefined;
  }
}
