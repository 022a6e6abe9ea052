import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import type { Target } from '../../../common/names.js';
import { applicationName } from '../evidence/rows.js';
import { Tally } from './tally.js';

const paceMs = 10;
/** Between two rounds in which no server took writes, in ms. */
const againMs = 50;
const connectTimeoutMs = 1_000;

/** An app that knows nothing of hotspare: one `pg.Client`, which looks for a server that takes writes whenever it has lost one. */
export class BareClient {
  readonly tally = new Tally();
  /** Connections made anew, and refused writes. */
  retries = 0;
  /** Errors that no switchover explains. */
  readonly wrong: string[] = [];
  #running = false;
  #work: Promise<void> = Promise.resolve();
  #client: pg.Client | undefined;

  constructor(
    private readonly servers: readonly Target[],
    private readonly login: pg.ClientConfig,
  ) {}

  start(): void {
    this.#running = true;
    this.#work = this.#loop();
  }

  async rest(): Promise<void> {
    this.#running = false;
    await this.#work;
    await this.#client?.end().catch(() => {});
    this.#client = undefined;
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      this.#client ??= await this.#connect();
      if (this.#client) await this.#write(this.#client);
      await delay(this.#client ? paceMs : againMs);
    }
  }

  async #write(client: pg.Client): Promise<void> {
    const n = this.tally.take();
    try {
      await client.query("INSERT INTO public.tally VALUES ($1, 'bare')", [-n]);
      this.tally.acknowledged(n);
    } catch (error) {
      // 25006: refused. Of a connection that ended it does not know, and nothing else may come.
      const { code } = error as { code?: string };
      if (code !== '25006') this.tally.unknown(n);
      if (code !== undefined && !/^(25006|57P|08|E)/.test(code)) this.wrong.push(String(error));
      this.retries += 1;
      this.#client = undefined;
      client.end().catch(() => {});
    }
  }

  async #connect(): Promise<pg.Client | undefined> {
    for (const { host, port } of this.servers) {
      const client = new pg.Client({
        ...this.login,
        host,
        port,
        application_name: applicationName,
        connectionTimeoutMillis: connectTimeoutMs,
      });
      client.on('error', () => {});
      try {
        await client.connect();
        const { rows } = await client.query<{ reads: string }>(
          "SELECT current_setting('transaction_read_only') AS reads",
        );
        if (rows[0]?.reads === 'off') return client;
      } catch {
        // The next one.
      }
      client.end().catch(() => {});
    }
    return undefined;
  }
}
