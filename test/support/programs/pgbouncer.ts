import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { accountOf } from '../../../common/runtime/machine/accounts.js';
import { isExecutable } from '../../../common/runtime/machine/binaries.js';
import type { Target } from '../../../common/names.js';
import { Child } from '../child.js';
import { eventuallyMs } from '../patience.js';
import { freePorts } from '../ports.js';
import { waitFor } from '../wait.js';

const pgbouncer = '/usr/sbin/pgbouncer';

/** Why tests with PgBouncer cannot run here; undefined when they can. */
export function pgBouncerMissing(): string | undefined {
  return isExecutable(pgbouncer)
    ? undefined
    : 'PgBouncer is not installed: run `npx hotspare setup --for-tests`';
}

export const pgBouncerVersion = (): string =>
  execFileSync(pgbouncer, ['--version'], { encoding: 'utf8' }).split('\n')[0]!;

/** A PgBouncer before one server: session mode, user app/app, everything else as the settings say or by its defaults. */
export class PgBouncer {
  readonly host = '127.0.0.1';
  private constructor(
    readonly port: number,
    private readonly folder: string,
    private readonly child: Child,
  ) {}

  static async before(to: Target, settings: Readonly<Record<string, string>> = {}): Promise<PgBouncer> {
    const [port] = (await freePorts(1)) as [number];
    const folder = mkdtempSync(join(tmpdir(), 'hotspare-pgbouncer-'));
    chmodSync(folder, 0o755);
    // It does not run as root either.
    const account = process.getuid?.() === 0 ? accountOf('postgres') : {};
    const all = {
      listen_addr: '127.0.0.1',
      listen_port: String(port),
      unix_socket_dir: '',
      auth_type: 'scram-sha-256',
      auth_file: join(folder, 'users'),
      pool_mode: 'session',
      // A server that is back is tried soon; the default is 15 s.
      server_login_retry: '1',
      ...settings,
    };
    const lines = Object.entries(all).map(([key, value]) => `${key} = ${value}`);
    const ini = join(folder, 'pgbouncer.ini');
    writeFileSync(
      ini,
      ['[databases]', `* = host=${to.host} port=${to.port}`, '[pgbouncer]', ...lines, ''].join('\n'),
    );
    writeFileSync(all.auth_file, '"app" "app"\n');
    const { uid, gid } = account as { uid?: number; gid?: number };
    for (const file of [folder, ini, all.auth_file]) if (uid !== undefined) chownSync(file, uid, gid!);
    const child = Child.start(pgbouncer, [ini], join(folder, 'log'), { ...account, cwd: '/' });
    const bouncer = new PgBouncer(port, folder, child);
    await waitFor(`PgBouncer on port ${port}`, eventuallyMs, () => bouncer.#answers());
    return bouncer;
  }

  async #answers(): Promise<boolean> {
    const { host, port } = this;
    const client = new pg.Client({ host, port, user: 'app', password: 'app', database: 'app' });
    client.on('error', () => {});
    try {
      await client.connect();
      await client.query('SELECT 1');
      return true;
    } catch {
      return false;
    } finally {
      await client.end().catch(() => {});
    }
  }

  get target(): Target {
    return { host: this.host, port: this.port };
  }

  log(): string {
    return this.child.log();
  }

  async destroy(): Promise<void> {
    this.child.signalAll('SIGKILL');
    await this.child.ended();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
