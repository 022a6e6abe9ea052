import { spawn, execFileSync, type ChildProcess } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { findBinaries } from '../common/runtime/machine/binaries.js';
import { UserError } from '../common/errors.js';
import type { Target } from '../common/names.js';

const host = '127.0.0.1';

export interface Pair {
  readonly primary: Target;
  readonly standby: Target;
  readonly login: { user: string; password: string; database: string };
  stop(): Promise<void>;
}

export interface ConsulAgent {
  readonly dns: Target;
  readonly url: string;
  stop(): Promise<void>;
}

/** Postgres refuses to run as root; then it runs as the distribution's `postgres` user. */
function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Tries again every 50 ms, for at most 30 s. */
async function until<T>(what: string, attempt: () => Promise<T>): Promise<T> {
  for (let left = 600; ; left--) {
    try {
      return await attempt();
    } catch (error) {
      if (left === 0) throw new Error(`${what} did not come up`, { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

async function end(child: ChildProcess, folder: string, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await ended;
  }
  rmSync(folder, { recursive: true, force: true });
}

/** A primary and a streaming hot standby with SCRAM, their data in temporary folders. */
export async function postgresPair(): Promise<Pair> {
  const bin = findBinaries().postgresBin;
  if (!bin) throw new UserError('PostgreSQL is not installed: `npm start` installs what is missing');
  const owner = account();
  const login = { user: 'postgres', password: 'bench', database: 'postgres' };
  const folders = ['primary', 'standby'].map((name) => {
    const folder = mkdtempSync(join(tmpdir(), `hotspare-bench-${name}-`));
    chmodSync(folder, 0o755);
    if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid!);
    return folder;
  }) as [string, string];
  const ports = [await freePort(), await freePort()] as const;
  const run = (name: string, args: string[]) =>
    execFileSync(join(bin, name), args, {
      ...owner,
      cwd: '/',
      stdio: 'pipe',
      env: { ...process.env, PGPASSWORD: login.password },
    });
  const serve = async (folder: string, port: number) => {
    const args = ['-D', join(folder, 'data'), '-c', `port=${port}`, '-c', `listen_addresses=${host}`];
    const child = spawn(join(bin, 'postgres'), [...args, '-c', 'unix_socket_directories='], {
      ...owner,
      cwd: '/',
      stdio: 'ignore',
    });
    await until('Postgres', async () => {
      const client = new pg.Client({ host, port, ...login });
      client.on('error', () => {});
      await client.connect();
      await client.end();
    });
    return child;
  };
  const secret = join(folders[0], 'secret');
  writeFileSync(secret, login.password);
  const own = join(folders[0], 'data');
  run('initdb', [
    '-D',
    own,
    '-U',
    'postgres',
    '-A',
    'scram-sha-256',
    `--pwfile=${secret}`,
    '-N',
    '-E',
    'UTF8',
    '--locale=C',
  ]);
  appendFileSync(join(own, 'postgresql.conf'), 'fsync = off\nshared_buffers = 64MB\nmax_connections = 200\n');
  const primary = await serve(folders[0], ports[0]);
  run('pg_basebackup', [
    '-h',
    host,
    '-p',
    String(ports[0]),
    '-U',
    'postgres',
    '-D',
    join(folders[1], 'data'),
    '-R',
    '-X',
    'stream',
    '-c',
    'fast',
    '--no-sync',
  ]);
  const standby = await serve(folders[1], ports[1]);
  return {
    primary: { host, port: ports[0] },
    standby: { host, port: ports[1] },
    login,
    async stop() {
      await end(standby, folders[1], 'SIGQUIT');
      await end(primary, folders[0], 'SIGQUIT');
    },
  };
}

/** One Consul server that knows the pair as service `pg`. */
export async function consulAgent(pair: Pair): Promise<ConsulAgent> {
  const binary = findBinaries().consul;
  if (!binary) throw new UserError('Consul is not installed: `npm start` installs what is missing');
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-bench-consul-'));
  const [http, dns, server, serf] = [await freePort(), await freePort(), await freePort(), await freePort()];
  writeFileSync(
    join(folder, 'consul.json'),
    JSON.stringify({
      node_name: 'bench',
      server: true,
      bootstrap_expect: 1,
      data_dir: join(folder, 'data'),
      bind_addr: host,
      client_addr: host,
      ports: { http, dns, server, serf_lan: serf, serf_wan: -1, grpc: -1 },
      performance: { raft_multiplier: 1 },
      disable_update_check: true,
      dns_config: { only_passing: true, enable_truncate: true },
    }),
  );
  const child = spawn(binary, ['agent', `-config-file=${join(folder, 'consul.json')}`], { stdio: 'ignore' });
  const url = `http://${host}:${http}`;
  const register = async (ID: string, role: string, { port }: Target) => {
    const response = await fetch(`${url}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({ ID, Name: 'pg', Tags: [role], Address: host, Port: port }),
    });
    if (!response.ok) throw new Error(`Consul said ${response.status}`);
  };
  await until('Consul', async () => {
    const leader = await (await fetch(`${url}/v1/status/leader`)).text();
    if (leader.length < 3) throw new Error('no leader yet');
    await register('pg1', 'primary', pair.primary);
    await register('pg2', 'replica', pair.standby);
  });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  return { dns: { host, port: dns! }, url, stop: () => end(child, folder, 'SIGKILL') };
}
