import { mkdtempSync, readFileSync, rmSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { labFiles } from '../../lab/index.js';
import type { Secrets } from '../../provision/site/secrets.js';
import { Pool } from '../../sidecar/index.js';
import { hotspare, TestLab } from '../support/lab.js';
import { waitFor } from '../support/wait.js';
import { writeWaitMs, type System } from './system.js';

const portOffset = '3900';
const wholeMs = 60_000;

interface Status {
  readonly failover?: {
    readonly record?: { readonly durability: string; readonly members: readonly { readonly name: string }[] };
  };
}

/** The five boxes of `npm start`, with `durability=sync promotion=auto`. */
export async function hotspareLab(): Promise<System> {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-failover-'));
  chmodSync(folder, 0o755);
  const environment = { HOTSPARE_PORT_OFFSET: portOffset, HOTSPARE_LAB_DIR: join(folder, 'lab') };
  const lab = new TestLab(environment);
  const run = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await hotspare(words, environment);
    if (exitCode !== 0)
      throw new Error(`hotspare ${words.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
    return stdout;
  };
  const primary = async () => (await record())?.members[0]?.name ?? 'pg1';
  const record = async () => {
    const { stdout } = await hotspare(['status', '-o', 'json'], environment);
    return (JSON.parse(stdout) as Status).failover?.record;
  };
  const whole = () =>
    waitFor('a record of two', wholeMs, async () => (await record())?.members.length === 2, 200);
  const poolOf = (waitMs: number) => {
    const { passwords, tokens } = JSON.parse(
      readFileSync(labFiles(environment.HOTSPARE_LAB_DIR).secrets, 'utf8'),
    ) as Secrets;
    const { address, port } = lab.service('consul@nginx1');
    return new Pool({
      host: 'pg.service.consul',
      user: 'todo_migrate',
      password: passwords.migration,
      database: 'todo',
      hotspare: {
        dns: { host: address, port: port + 100 },
        http: { url: `http://${address}:${port}`, token: tokens.app },
        cacheFile: false,
      },
      writeWaitMs: waitMs,
    });
  };
  let killed = '';
  try {
    await lab.command('up', '--yes');
    await run('policy', 'set', 'durability=sync', 'promotion=auto', 'maxFailovers=1000', '--yes');
    await whole();
    const pool = poolOf(writeWaitMs);
    await pool.query('CREATE TABLE failover_bench (n bigint PRIMARY KEY)');
    await pool.end();
  } catch (error) {
    await hotspare(['lab', 'nuke', '--yes'], environment);
    throw error;
  }
  return {
    name: 'hotspare, auto and sync',
    pool: () => poolOf(writeWaitMs),
    kill: async () => {
      killed = await primary();
      const pid = lab.pid(`pg@${killed}`);
      const atMs = performance.now();
      process.kill(pid, 'SIGKILL');
      return atMs;
    },
    recover: async () => {
      await lab.command('start', `pg@${killed}`);
      await whole();
    },
    remove: async () => {
      await run('lab', 'nuke', '--yes');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
