import { execFile, execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';
import { callKeeper } from '../../../common/keeper/client.js';
import type { Answer, Facts, Refusal, RequestOf, ResultOf, Verb } from '../../../common/keeper/protocol.js';
import type { History } from '../../../common/postgres/history.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { buildProgram } from '../../support/built/built-program.js';
import { Child } from '../../support/child.js';
import { eventuallyMs } from '../../support/patience.js';
import { freePorts } from '../../support/ports.js';
import { waitFor } from '../../support/wait.js';

const installedUnder = '/usr/lib/postgresql';
/** Of each major that is installed and supported, where its programs are. */
export const majors = readdirSync(installedUnder)
  .filter((name) => Number(name) >= 15 && existsSync(join(installedUnder, name, 'bin/postgres')))
  .map((name) => ({ major: Number(name), binDir: join(installedUnder, name, 'bin') }));

/** Postgres refuses root, and the keeper has its rights: as root both run as the distribution's account. */
export const account = (() => {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
})();

export const buildKeeper = () => buildProgram('keeper');

/** One box: a data directory, its configuration outside it, Postgres, and a keeper. */
export class Member {
  private server: Child | undefined;
  private keeper: Child | undefined;
  private readonly clients: pg.Client[] = [];

  private constructor(
    readonly name: string,
    readonly folder: string,
    readonly port: number,
    readonly binDir: string,
    private readonly program: string,
  ) {}

  static async make(name: string, binDir: string, program: string, more = ''): Promise<Member> {
    const [port] = (await freePorts(1)) as [number];
    const folder = mkdtempSync(join(tmpdir(), 'keeper-'));
    chmodSync(folder, 0o755);
    const member = new Member(name, folder, port, binDir, program);
    for (const each of ['', 'etc', 'state', 'run', 'var']) {
      mkdirSync(member.path(each), { recursive: true });
      if (account.uid !== undefined) chownSync(member.path(each), account.uid, account.gid!);
    }
    member.writeConfig(binDir, more);
    return member;
  }

  writeConfig(binDir = this.binDir, more = ''): void {
    this.write(
      'etc/postgresql.conf',
      [
        `data_directory = '${this.dataDir}'`,
        `hba_file = '${this.path('etc/pg_hba.conf')}'`,
        `ident_file = '${this.path('etc/pg_ident.conf')}'`,
        `port = ${this.port}`,
        "listen_addresses = '127.0.0.1'",
        `unix_socket_directories = '${this.path('run')}'`,
        'fsync = off',
        'wal_log_hints = on',
        'shared_buffers = 16MB',
        'max_connections = 40',
        'wal_keep_size = 64MB',
        'wal_retrieve_retry_interval = 100ms',
        'wal_receiver_status_interval = 1s',
        "log_line_prefix = '%m [%p] '",
        ...(more === '' ? [] : [more]),
        `include '${this.path('etc/hotspare.conf')}'`,
      ].join('\n'),
    );
    this.write(
      'etc/pg_hba.conf',
      'local all all trust\nhost all all 127.0.0.1/32 trust\nhost replication all 127.0.0.1/32 trust\n',
    );
    this.write('etc/pg_ident.conf', '');
    if (!existsSync(this.path('etc/hotspare.conf'))) this.write('etc/hotspare.conf', '');
    this.write(
      'etc/keeper.yaml',
      `member: ${this.name}
socket: ${this.socket}
stateDir: ${this.path('state')}
log: { level: debug }
postgres:
  binDir: ${binDir}
  dataDir: ${this.dataDir}
  configFile: ${this.path('etc/postgresql.conf')}
  settingsFile: ${this.path('etc/hotspare.conf')}
  socketDir: ${this.path('run')}
  port: ${this.port}
replication: { user: postgres }
`,
    );
  }

  path(name: string): string {
    return join(this.folder, name);
  }
  get dataDir(): string {
    return this.path('var/data');
  }
  get socket(): string {
    return this.path('run/keeper.sock');
  }
  get source(): { host: string; port: number } {
    return { host: '127.0.0.1', port: this.port };
  }

  write(name: string, content: string): void {
    writeFileSync(this.path(name), content);
    if (account.uid !== undefined) chownSync(this.path(name), account.uid, account.gid!);
  }
  read(name: string): string {
    return readFileSync(this.path(name), 'utf8');
  }
  has(name: string): boolean {
    return existsSync(this.path(name));
  }

  async run(name: string, args: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)(join(this.binDir, name), [...args], {
      ...account,
      cwd: '/',
    });
    return stdout;
  }

  initdb(): Promise<string> {
    return this.run('initdb', [
      '-D',
      this.dataDir,
      '-U',
      'postgres',
      '-A',
      'trust',
      '--locale=C',
      '-E',
      'UTF8',
      '-N',
    ]);
  }

  /** What a unit's ExecStartPre runs. */
  prepareStart(args: readonly string[] = [], as: object = account): { status: number | null; said: string } {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [this.program, 'prepare-start', '--config', this.path('etc/keeper.yaml'), ...args],
      { ...as, encoding: 'utf8', cwd: '/' },
    );
    return { status, said: stdout + stderr };
  }

  /** Like the unit: `prepare-start` first, and nothing where that says no. */
  async boot(): Promise<void> {
    const { status, said } = this.prepareStart();
    if (status !== 0) throw new Error(said);
    await this.bootBare();
  }

  /** Like an operator's pg_ctl: without `prepare-start`. */
  async bootBare(wait = true): Promise<void> {
    this.server = Child.start(
      join(this.binDir, 'postgres'),
      ['-D', this.dataDir, '-c', `config_file=${this.path('etc/postgresql.conf')}`],
      this.path('log'),
      { ...account, cwd: '/' },
    );
    if (!wait) return;
    const hasEnded = await waitFor(
      `${this.name} to answer`,
      eventuallyMs,
      async () => !this.postmaster.running || (await this.query('SELECT 1').then(() => 'answers')),
    );
    if (hasEnded === true) throw new Error(`Postgres ended at once: ${this.log().slice(-500)}`);
  }

  get postmaster(): Child {
    return this.server!;
  }

  async stop(signal: NodeJS.Signals = 'SIGINT'): Promise<void> {
    this.server?.signal(signal);
    await this.server?.ended();
  }

  async startKeeper(): Promise<void> {
    this.keeper = Child.start(
      process.execPath,
      [this.program, '--config', this.path('etc/keeper.yaml')],
      this.path('keeper.log'),
      { ...account, cwd: '/' },
    );
    await waitFor('the keeper to answer', eventuallyMs, async () => {
      const answer = await this.call({ verb: 'facts' });
      return answer.outcome === 'done' || answer.outcome === 'refused';
    });
  }
  async killKeeper(): Promise<void> {
    this.keeper?.signal('SIGKILL');
    await waitFor('the keeper to end', eventuallyMs, () => !this.keeper?.running);
  }
  get keeperPid(): number {
    return this.keeper!.pid;
  }

  call<V extends Verb>(request: RequestOf<V>, onProgress?: (text: string) => void): Promise<Answer<V>> {
    return callKeeper(request, {
      socket: this.socket,
      clock: systemClock,
      ...(onProgress ? { onProgress } : {}),
    });
  }

  /** The result of an order that must be done. */
  async must<V extends Verb>(request: RequestOf<V>): Promise<ResultOf<V>> {
    const answer = await this.call(request);
    if (answer.outcome !== 'done')
      throw new Error(
        `${this.name}: ${request.verb}: ${JSON.stringify(answer)}\n${this.read('keeper.log').slice(-1_500)}`,
      );
    return answer.result;
  }

  facts(): Promise<Facts> {
    return this.must({ verb: 'facts' });
  }

  async refusal<V extends Verb>(request: RequestOf<V>): Promise<Refusal | string> {
    const answer = await this.call(request);
    return answer.outcome === 'refused' ? answer.reason : JSON.stringify(answer);
  }

  /** A client over TCP, as an app is. */
  async client(options: pg.ClientConfig = {}): Promise<pg.Client> {
    const client = new pg.Client({ ...this.source, user: 'postgres', database: 'postgres', ...options });
    client.on('error', () => {});
    await client.connect();
    this.clients.push(client);
    return client;
  }

  async query(sql: string, params: unknown[] = []): Promise<unknown[][]> {
    const client = new pg.Client({
      host: this.path('run'),
      port: this.port,
      user: 'postgres',
      database: 'postgres',
    });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query({ text: sql, values: params, rowMode: 'array' })).rows as unknown[][];
    } finally {
      await client.end();
    }
  }
  async value(sql: string): Promise<unknown> {
    return (await this.query(sql))[0]?.[0];
  }

  log(): string {
    return this.read('log');
  }

  async destroy(): Promise<void> {
    for (const client of this.clients) void client.end().catch(() => {});
    this.keeper?.signalAll('SIGCONT');
    this.keeper?.signalAll('SIGKILL');
    this.server?.signalAll('SIGCONT');
    this.server?.signalAll('SIGKILL');
    await Promise.all([this.keeper?.ended(), this.server?.ended()]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A managed primary with its gate open, made as provisioning and a first promotion would. */
export async function managedPrimary(
  name: string,
  binDir: string,
  program: string,
  more = '',
): Promise<Member> {
  const member = await Member.make(name, binDir, program, more);
  return orDestroyed(member, async () => {
    await member.initdb();
    await member.bootBare();
    await member.startKeeper();
    await member.must({ verb: 'init', managed: true, gate: 'as-is' });
    await member.query('CREATE TABLE notes (text text)');
  });
}

/** A member cloned from `primary` by its own keeper, streaming. */
export async function managedStandby(
  name: string,
  primary: Member,
  program: string,
  more = '',
): Promise<Member> {
  const member = await Member.make(name, primary.binDir, program, more);
  return orDestroyed(member, async () => {
    await member.startKeeper();
    await member.must({ verb: 'init', managed: true, gate: 'close' });
    await member.must({
      verb: 'rejoin',
      method: 'basebackup',
      ...primary.source,
      history: await historyOf(primary),
    });
    await member.boot();
    await streaming(member, primary);
  });
}

async function orDestroyed(member: Member, make: () => Promise<void>): Promise<Member> {
  try {
    await make();
    return member;
  } catch (error) {
    await member.destroy();
    throw error;
  }
}

/** What an agent would have published. */
export async function historyOf(primary: Member): Promise<History> {
  const { history } = await primary.facts();
  if (!history) throw new Error(`${primary.name} has no history`);
  return history;
}

export async function streaming(standby: Member, primary: Member): Promise<void> {
  await waitFor(`${standby.name} to stream from ${primary.name}`, eventuallyMs, async () => {
    const { sql } = await standby.facts();
    if (sql.state === 'answers' && sql.receiver?.status === 'streaming' && sql.receiver.port === primary.port)
      return true;
    throw new Error(`${JSON.stringify(sql)}\n${standby.log().slice(-1_500)}`);
  });
}

export async function replayed(standby: Member, primary: Member): Promise<void> {
  const lsn = String(await primary.value('SELECT pg_current_wal_flush_lsn()'));
  await waitFor(`${standby.name} to replay ${lsn}`, eventuallyMs, () =>
    standby.value(`SELECT pg_last_wal_replay_lsn() >= '${lsn}'`),
  );
}
