import { Socket } from 'node:net';
import pg from 'pg';
import type { Clock } from '../../../../common/clock.js';
import { place } from '../../../../common/postgres/position.js';
import type { Secret } from '../../../../common/secret.js';
import type { Kept, TlsOptions } from '../../../ports.js';

export interface Login {
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly password: Kept<Secret>;
  readonly database: string;
  /** Absent: without TLS. */
  readonly ssl?: Kept<TlsOptions>;
}

/** After a goodbye the server closes; one that does not is cut off so many ms later. */
const goodbyeMs = 1_000;

/**
 * What a role, a database or the server could set otherwise for this session, as `-c` takes it. Names without a schema mean
 * Postgres' own; a commit waits for no other member.
 */
const pinned = {
  search_path: 'pg_catalog,pg_temp',
  synchronous_commit: 'local',
  default_transaction_isolation: 'read\\ committed',
} as const;

/** One connection of the agent's to Postgres, which can be cut off at any moment without waiting for the server. */
export class Session {
  private readonly socket = new Socket();
  private readonly client: pg.Client;
  /** `in_hot_standby` as the server reports it at connection start (14+). */
  private standby: boolean | undefined;
  private version = 0;

  constructor(
    login: Login,
    private readonly clock: Clock,
    settings: Readonly<Record<string, string | number>>,
  ) {
    this.client = new pg.Client({
      host: login.address,
      port: login.port,
      user: login.user,
      password: login.password.current().reveal(),
      database: login.database,
      application_name: 'hotspare-agent',
      keepAlive: true,
      ssl: login.ssl ? sslOf(login.ssl.current()) : false,
      stream: () => this.socket,
      options: Object.entries({ ...pinned, ...settings })
        .map(([name, value]) => `-c ${name}=${value}`)
        .join(' '),
    });
    // Without a listener a closed connection would end the process.
    this.client.on('error', () => {});
    const { connection } = this.client as unknown as { connection: NodeJS.EventEmitter };
    connection.on('parameterStatus', (message: { parameterName: string; parameterValue: string }) => {
      if (message.parameterName === 'server_version')
        this.version = Number.parseInt(message.parameterValue, 10);
      if (message.parameterName === 'in_hot_standby') this.standby = message.parameterValue === 'on';
    });
  }

  /** Connects; the signal cuts the connection off, now and later. */
  async open(signal: AbortSignal): Promise<void> {
    signal.addEventListener('abort', () => this.destroy(), { once: true });
    await this.client.connect();
  }

  /** The server's major version, once it is open. */
  get major(): number {
    return this.version;
  }

  onClose(listener: () => void): void {
    this.client.on('end', listener);
  }

  async inRecovery(): Promise<boolean> {
    if (this.standby === undefined) {
      const row = await this.row(`SELECT ${place.inRecovery} AS recovery`);
      this.standby = row['recovery'] === true;
    }
    return this.standby;
  }

  async row(sql: string, values: unknown[] = []): Promise<Record<string, unknown>> {
    const { rows } = await this.client.query<Record<string, unknown>>(sql, values);
    return rows[0] ?? {};
  }

  /** Says goodbye without waiting for the answer. */
  close(): void {
    const timer = this.clock.after(goodbyeMs, () => this.destroy(), { ref: false });
    this.client.on('end', () => timer.cancel());
    this.client.end().catch(() => {});
  }

  destroy(): void {
    this.socket.destroy();
  }
}

function sslOf({ key, ...options }: TlsOptions) {
  return { ...options, ...(key === undefined ? {} : { key: key.reveal() }) };
}
