import { execFile, execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { formatLsn, parseLsn, type Lsn } from '../../common/postgres/lsn.js';
import { place } from '../../common/postgres/position.js';
import { findBinaries } from '../../common/runtime/machine/binaries.js';
import { Child } from './child.js';
import { eventuallyMs } from './patience.js';
import { freePorts } from './ports.js';
import { waitFor } from './wait.js';

const host = '127.0.0.1';
const password = { postgres: 'postgres', app: 'app' } as const;

/** Postgres refuses to run as root; then it runs as the distribution's `postgres` user. */
const account = (() => {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
})();

function binary(name: string): string {
  const folder = findBinaries().postgresBin;
  if (!folder) throw new Error('PostgreSQL is not installed: run `npx hotspare setup`');
  return join(folder, name);
}

/** Not the synchronous kind: other servers of the test start meanwhile. */
async function run(name: string, args: string[], env: Record<string, string> = {}): Promise<void> {
  await promisify(execFile)(binary(name), args, { ...account, cwd: '/', env: { ...process.env, ...env } });
}

/** One real Postgres server on 127.0.0.1: SCRAM, superuser postgres/postgres, user app/app owning database app. */
export class RealPostgres {
  readonly host = host;
  private child: Child | undefined;
  constructor(
    private readonly folder: string,
    readonly port: number,
  ) {}

  get dataDir(): string {
    return join(this.folder, 'data');
  }

  url(user: keyof typeof password = 'app', database = 'app'): string {
    return `postgres://${user}:${password[user]}@${host}:${this.port}/${database}`;
  }

  pid(): number {
    return this.child!.pid;
  }

  log(): string {
    return readFileSync(join(this.folder, 'log'), 'utf8');
  }

  /** As superuser, on a connection of its own; rows as arrays. */
  query(sql: string, params: unknown[] = [], database = 'app'): Promise<unknown[][]> {
    return this.connected(database, async (client) => {
      return (await client.query({ text: sql, values: params, rowMode: 'array' })).rows as unknown[][];
    });
  }

  async administer(statements: string[], database = 'postgres'): Promise<void> {
    await this.connected(database, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  }

  private async connected<T>(database: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = new pg.Client({
      host,
      port: this.port,
      user: 'postgres',
      password: password.postgres,
      database,
      connectionTimeoutMillis: eventuallyMs,
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  start(): Promise<void> {
    return this.startUntilReady('app');
  }

  async startUntilReady(database: string): Promise<void> {
    await waitFor(`Postgres on port ${this.port}`, eventuallyMs, () => {
      // Backends that outlived a killed postmaster hold its shared memory for a moment: then a start fails, and is repeated.
      if (!this.child?.running) this.spawn();
      return this.administer(['SELECT 1'], database).then(() => true);
    });
  }

  private spawn(): void {
    this.child = Child.start(binary('postgres'), ['-D', this.dataDir], join(this.folder, 'log'), {
      ...account,
      cwd: '/',
    });
  }

  async stop(mode: 'fast' | 'immediate' = 'fast'): Promise<void> {
    this.child?.signal(mode === 'fast' ? 'SIGINT' : 'SIGQUIT');
    await this.child?.ended();
  }

  kill(): void {
    this.child?.signal('SIGKILL');
  }

  freeze(): void {
    this.child?.signalAll('SIGSTOP');
  }

  thaw(): void {
    this.child?.signalAll('SIGCONT');
  }

  async promote(): Promise<void> {
    await this.query('SELECT pg_promote(true, 30)');
  }

  async position(of: 'written' | 'inserted' | 'replayed'): Promise<Lsn> {
    const [row] = await this.query(`SELECT ${place[of]}::text`);
    return parseLsn(String(row?.[0]));
  }

  async waitUntilReplayed(lsn: Lsn): Promise<void> {
    await waitFor(
      `replay of ${formatLsn(lsn)} on port ${this.port}`,
      eventuallyMs,
      async () => (await this.position('replayed')) >= lsn,
    );
  }

  async destroy(): Promise<void> {
    this.thaw();
    this.child?.signalAll('SIGKILL');
    await this.child?.ended();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-postgres-'));
  chmodSync(folder, 0o755);
  if (account.uid !== undefined) chownSync(folder, account.uid, account.gid!);
  return folder;
}

function settings(port: number): string {
  return [
    '',
    `port = ${port}`,
    `listen_addresses = '${host}'`,
    `unix_socket_directories = ''`,
    'fsync = off',
    'shared_buffers = 16MB',
    'max_connections = 120',
    'wal_keep_size = 64MB',
    // A standby that has lost its primary tries again soon; the default is 5 s.
    'wal_retrieve_retry_interval = 200ms',
    `wal_receiver_status_interval = 1s`,
    '',
  ].join('\n');
}

export async function startPostgres(): Promise<RealPostgres> {
  const [port] = (await freePorts(1)) as [number];
  const folder = temporaryFolder();
  const server = new RealPostgres(folder, port);
  const passwordFile = join(folder, 'password');
  writeFileSync(passwordFile, password.postgres, { mode: 0o644 });
  await run('initdb', [
    '-D',
    server.dataDir,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${passwordFile}`,
    '-E',
    'UTF8',
    '--locale=C',
    '-N',
  ]);
  appendFileSync(join(server.dataDir, 'postgresql.conf'), settings(port));
  await server.startUntilReady('postgres');
  await server.administer(["CREATE USER app PASSWORD 'app'", 'CREATE DATABASE app OWNER app']);
  return server;
}

export interface PostgresPair {
  readonly primary: RealPostgres;
  readonly standby: RealPostgres;
  /** Until the standby shows what the primary has written so far. */
  caughtUp(): Promise<void>;
  destroy(): Promise<void>;
}

export async function startPostgresPair(): Promise<PostgresPair> {
  const primary = await startPostgres();
  const [port] = (await freePorts(1)) as [number];
  const folder = temporaryFolder();
  const standby = new RealPostgres(folder, port);
  await run(
    'pg_basebackup',
    [
      '-h',
      host,
      '-p',
      String(primary.port),
      '-U',
      'postgres',
      '-D',
      standby.dataDir,
      '-R',
      '-X',
      'stream',
      '-c',
      'fast',
      '--no-sync',
    ],
    { PGPASSWORD: password.postgres },
  );
  appendFileSync(join(standby.dataDir, 'postgresql.conf'), `port = ${port}\n`);
  await standby.start();
  return {
    primary,
    standby,
    async caughtUp() {
      await standby.waitUntilReplayed(await primary.position('written'));
    },
    async destroy() {
      await Promise.all([primary.destroy(), standby.destroy()]);
    },
  };
}
