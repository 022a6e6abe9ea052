import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { stringify } from 'yaml';
import { accountOf } from '../../../common/runtime/machine/accounts.js';
import { findBinaries, isExecutable } from '../../../common/runtime/machine/binaries.js';
import { familyOf } from '../../../common/runtime/processes/proc.js';
import { Child } from '../child.js';
import type { RealConsul } from '../consul.js';
import { eventuallyMs } from '../patience.js';
import { freePorts } from '../ports.js';
import { waitFor } from '../wait.js';
import { fetchAnew } from '../fetch-anew.js';

const patroni = '/usr/bin/patroni';
const patronictl = '/usr/bin/patronictl';
const host = '127.0.0.1';

/** What decides how soon Patroni acts, in s. */
export interface PatroniTimings {
  readonly ttl: number;
  readonly loop_wait: number;
  readonly retry_timeout: number;
}
/** Patroni's session in Consul lives for ttl/2 at least and twice that at most, and Consul allows no less than 10 s. */
export const shortestTimings: PatroniTimings = { ttl: 20, loop_wait: 1, retry_timeout: 3 };
export const defaultTimings: PatroniTimings = { ttl: 30, loop_wait: 10, retry_timeout: 10 };
const quickTimings: PatroniTimings = { ...shortestTimings, retry_timeout: 5 };
/** Until Patroni has noticed a loss and promoted. A safety net, like `eventuallyMs`. */
export const failoverMs = 120_000;

/** Why tests with Patroni cannot run here; undefined when they can. */
export function patroniMissing(): string | undefined {
  if (!isExecutable(patroni)) return 'Patroni is not installed: run `npx hotspare setup --for-tests`';
  if (!findBinaries().postgresBin) return 'PostgreSQL is not installed: run `npx hotspare setup`';
  return undefined;
}

export const patroniVersion = (): string => execFileSync(patroni, ['--version'], { encoding: 'utf8' }).trim();

/** Patroni and Postgres refuse to run as root. */
const account = () => (process.getuid?.() === 0 ? accountOf('postgres') : {});

export class PatroniNode {
  readonly host = host;
  #patroni: Child | undefined;

  constructor(
    readonly name: string,
    readonly port: number,
    readonly apiPort: number,
    private readonly folder: string,
    scope: string,
    consul: RealConsul,
    service: object,
    timings: PatroniTimings,
  ) {
    mkdirSync(folder);
    const { uid, gid } = account() as { uid?: number; gid?: number };
    if (uid !== undefined) chownSync(folder, uid, gid!);
    const anyone = [
      'local all all trust',
      `host all all ${host}/32 md5`,
      `host replication all ${host}/32 md5`,
    ];
    const parameters = {
      fsync: 'off',
      shared_buffers: '16MB',
      unix_socket_directories: '',
      wal_keep_size: '64MB',
      wal_retrieve_retry_interval: '200ms',
    };
    writeFileSync(
      this.configFile,
      stringify({
        scope,
        name,
        restapi: { listen: `${host}:${apiPort}`, connect_address: `${host}:${apiPort}` },
        consul: { host: `${consul.host}:${consul.httpPort}`, register_service: true, ...service },
        bootstrap: {
          dcs: {
            ...timings,
            maximum_lag_on_failover: 1_048_576,
            postgresql: { use_pg_rewind: true, use_slots: true },
          },
          initdb: [{ encoding: 'UTF8' }, { locale: 'C' }, 'no-sync'],
        },
        postgresql: {
          listen: `${host}:${port}`,
          connect_address: `${host}:${port}`,
          data_dir: this.#dataDir,
          bin_dir: findBinaries().postgresBin,
          // By default a copy waits for a checkpoint that takes its time.
          basebackup: [{ checkpoint: 'fast' }, 'no-sync'],
          pgpass: join(folder, 'pgpass'),
          authentication: {
            superuser: { username: 'postgres', password: 'postgres' },
            replication: { username: 'replicator', password: 'replicator' },
          },
          parameters,
          pg_hba: anyone,
        },
        watchdog: { mode: 'off' },
      }),
    );
  }

  get #dataDir(): string {
    return join(this.folder, 'data');
  }

  get configFile(): string {
    return join(this.folder, 'patroni.yml');
  }

  log(): string {
    return this.#patroni?.log() ?? '';
  }

  start(): void {
    if (this.#patroni?.running) throw new Error(`Patroni of ${this.name} runs already`);
    this.#patroni = Child.start(patroni, [this.configFile], join(this.folder, 'log'), {
      ...account(),
      cwd: '/',
    });
  }

  /** `primary`, `replica` …, as Patroni itself sees it; rejects while it does not serve in that role. */
  async serves(role: 'primary' | 'replica'): Promise<boolean> {
    const { ok } = await fetchAnew(`http://${host}:${this.apiPort}/${role}`);
    return ok;
  }

  postmasterPid(): number {
    return Number(readFileSync(join(this.#dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
  }

  /** SIGKILL to Patroni and to the postmaster it has started (which is not its child). */
  kill(): void {
    this.#patroni?.signalAll('SIGKILL');
    process.kill(this.postmasterPid(), 'SIGKILL');
  }

  async query(sql: string, database = 'postgres'): Promise<unknown[][]> {
    const client = new pg.Client({ host, port: this.port, user: 'postgres', password: 'postgres', database });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query({ text: sql, rowMode: 'array' })).rows as unknown[][];
    } finally {
      await client.end();
    }
  }

  async destroy(): Promise<void> {
    this.#patroni?.signalAll('SIGKILL');
    await this.#patroni?.ended();
    let postmaster: number | undefined;
    try {
      postmaster = this.postmasterPid();
    } catch {
      // It never ran, or it has ended in order.
    }
    // The number in the file of a postmaster that was killed may be somebody else's by now.
    const left = () =>
      postmaster === undefined ? [] : familyOf(postmaster).filter(({ name }) => name === 'postgres');
    await waitFor(`Postgres of ${this.name} to end`, eventuallyMs, () => {
      for (const { pid } of left()) {
        try {
          process.kill(pid, 'SIGKILL');
        } catch {
          // It ended between the listing and the signal.
        }
      }
      return left().length === 0;
    });
  }
}

export interface PatroniCluster {
  readonly nodes: readonly [PatroniNode, PatroniNode];
  /** Runs `patronictl` on this cluster; gives its output. */
  ctl(...args: string[]): string;
  destroy(): Promise<void>;
}

/** Two members under Patroni, registered in that Consul; database app of user app/app. `service` goes under `consul:`. */
export async function startPatroni(
  consul: RealConsul,
  scope: string,
  service: object = {},
  timings = quickTimings,
): Promise<PatroniCluster> {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-patroni-'));
  chmodSync(folder, 0o755);
  const [pg1, api1, pg2, api2] = (await freePorts(4)) as [number, number, number, number];
  const nodes = [
    new PatroniNode('one', pg1, api1, join(folder, 'one'), scope, consul, service, timings),
    new PatroniNode('two', pg2, api2, join(folder, 'two'), scope, consul, service, timings),
  ] as const;
  const cluster: PatroniCluster = {
    nodes,
    ctl: (...args) =>
      execFileSync(patronictl, ['-c', nodes[0].configFile, ...args], {
        ...account(),
        cwd: '/',
        encoding: 'utf8',
        // Its libraries want a locale that can print anything, and a home to look for settings in.
        env: { ...process.env, LC_ALL: 'C.UTF-8', HOME: folder },
      }),
    async destroy() {
      await Promise.all(nodes.map((node) => node.destroy()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
  try {
    nodes[0].start();
    await waitFor('Patroni to make the first primary', failoverMs, () => nodes[0].serves('primary'));
    await nodes[0].query("CREATE USER app PASSWORD 'app'");
    await nodes[0].query('CREATE DATABASE app OWNER app');
    nodes[1].start();
    await waitFor('Patroni to make a replica', failoverMs, () => nodes[1].serves('replica'));
  } catch (error) {
    const said = nodes.map((node) => node.log()).join('\n');
    await cluster.destroy();
    throw new Error(`${(error as Error).message}\n${said.slice(-4_000)}`, { cause: error });
  }
  return cluster;
}
