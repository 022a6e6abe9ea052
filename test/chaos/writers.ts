import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { OutcomeUnknownError, Pool, ReadOnlyError } from '../../sidecar/index.js';
import type { Ledger } from './evidence.js';
import { boxes } from '../boxes/support/vagrant-boxes.js';
import { login, members } from './boxes.js';

const paceMs = 50;

/** One insert that says where it was done, and on which timeline. */
export const insert = `INSERT INTO chaos.numbers VALUES ($1, $2) RETURNING host(inet_server_addr()) AS address,
  ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int AS timeline`;

export interface Inserted {
  readonly address: string;
  readonly timeline: number;
}

export const memberAt = (address: string) =>
  members.find((member) => boxes.address(member) === address) ?? address;

/** Errors of a connection or of a server that goes, comes, or takes no writes. */
const isExpected = (code: string | undefined) => code === undefined || /^(25006|57P|08|E[A-Z]|53)/.test(code);

/** Clients that insert one number after the other: of the library, and of bare `pg`. */
export class Writers {
  /** Errors that no fault explains. */
  readonly complaints: string[] = [];
  readonly #pools: Pool[] = [];
  #running = true;
  #work: Promise<unknown> = Promise.resolve();

  constructor(private readonly ledger: Ledger) {}

  start(): void {
    const adm = boxes.address('adm1');
    for (const writeWaitMs of [0, 2_000]) {
      const pool = new Pool({
        ...login,
        max: 4,
        writeWaitMs,
        hotspare: {
          service: 'pg',
          dns: `${adm}:53`,
          http: { url: `http://${adm}:8500` },
          cacheFile: false,
        },
      });
      pool.on('error', () => {});
      this.#pools.push(pool);
    }
    this.#work = Promise.all([
      ...this.#pools.flatMap((pool) => [this.#poolLoop(pool), this.#poolLoop(pool)]),
      this.#bareLoop(),
      this.#bareLoop(),
    ]);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#work;
    await Promise.all(this.#pools.map((pool) => pool.end()));
  }

  async #poolLoop(pool: Pool): Promise<void> {
    while (this.#running) {
      const n = this.ledger.take();
      const sentMs = performance.now();
      try {
        const { rows } = await pool.query<Inserted>(insert, [n, 'pool']);
        this.#acknowledged(n, 'pool', sentMs, rows[0]!);
      } catch (error) {
        // Promised: nothing happened.
        if (error instanceof ReadOnlyError) this.ledger.refused.add(n);
        else if (!(error instanceof OutcomeUnknownError)) this.#note('Pool', error);
      }
      await delay(paceMs);
    }
  }

  /** An app that knows nothing of hotspare, but for a deadline. */
  async #bareLoop(): Promise<void> {
    let client: pg.Client | undefined;
    while (this.#running) {
      client ??= await writable();
      if (client) {
        const n = this.ledger.take();
        const sentMs = performance.now();
        try {
          const { rows } = await within(client, 5_000, client.query<Inserted>(insert, [n, 'bare']));
          this.#acknowledged(n, 'bare', sentMs, rows[0]!);
        } catch (error) {
          if ((error as { code?: string }).code === '25006') this.ledger.refused.add(n);
          this.#note('bare pg', error);
          destroy(client);
          client = undefined;
        }
      }
      await delay(paceMs);
    }
    await client?.end().catch(() => {});
  }

  #acknowledged(n: number, by: 'pool' | 'bare', sentMs: number, { address, timeline }: Inserted): void {
    this.ledger.acknowledge({
      n,
      by,
      member: memberAt(address),
      timeline,
      sentMs,
      ackedMs: performance.now(),
    });
  }

  #note(who: string, error: unknown): void {
    const { code, message } = error as { code?: string; message: string };
    if (!isExpected(code) && this.complaints.length < 20) this.complaints.push(`${who}: ${code} ${message}`);
  }
}

/** A session with a server that takes writes now, as an app with two hosts in its settings looks for it. */
async function writable(): Promise<pg.Client | undefined> {
  for (const member of members) {
    const client = await connect(boxes.address(member), 1_000);
    if (!client) continue;
    try {
      const asked = client.query<{ off: boolean }>(
        `SELECT current_setting('transaction_read_only') = 'off' AS off`,
      );
      if ((await within(client, 1_000, asked)).rows[0]?.off) return client;
    } catch {
      // The next one.
    }
    destroy(client);
  }
  return undefined;
}

export async function connect(address: string, timeoutMs: number): Promise<pg.Client | undefined> {
  const client = new pg.Client({
    ...login,
    host: address,
    port: 5432,
    connectionTimeoutMillis: timeoutMs,
    options: '-c synchronous_commit=on',
  });
  client.on('error', () => {});
  try {
    await client.connect();
    return client;
  } catch {
    destroy(client);
    return undefined;
  }
}

/** Fails after `timeoutMs`, and its socket is destroyed. */
export async function within<T>(client: pg.Client, timeoutMs: number, asked: Promise<T>): Promise<T> {
  const timer = setTimeout(() => destroy(client), timeoutMs);
  try {
    return await asked;
  } finally {
    clearTimeout(timer);
  }
}

export function destroy(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } };
  connection.stream.destroy();
}
