import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { labFiles, labSettings } from '../../lab/index.js';
import type { Secrets } from '../../provision/site/secrets.js';
import { hotspare, TestLab } from '../support/lab.js';
import type { Setup } from './messages.js';
import { applicationName } from './evidence/rows.js';

/** How the primary may be lost, and what brings it back. */
export const faults = { kill: 'start', freeze: 'thaw', stop: 'start' } as const;
export type Fault = keyof typeof faults;

export const standardOffset = 3500;

/** Beside every lab of a person, wherever its ports are, and beside that of the tests: what lies in the folder is removed. */
export function soakEnvironment(
  own: NodeJS.ProcessEnv,
  isRoot: boolean,
  portOffset = standardOffset,
): Record<string, string> {
  const offset = { HOTSPARE_PORT_OFFSET: String(portOffset) };
  const { directory } = labSettings({ ...own, ...offset }, isRoot);
  const given = own['HOTSPARE_LAB_DIR'] !== undefined;
  return { ...offset, HOTSPARE_LAB_DIR: given ? `${directory}-soak` : join(dirname(directory), 'soak') };
}

const bin = 'bin/hotspare.mjs';
export const members = ['pg1', 'pg2'] as const;
export type Member = (typeof members)[number];

/** The five boxes of the soak test, made anew and removed at its end; after a failure they are stopped and kept. */
export class Boxes {
  readonly #environment: Record<string, string>;
  readonly #lab: TestLab;

  constructor(portOffset: number) {
    this.#environment = soakEnvironment(process.env, process.getuid?.() === 0, portOffset);
    this.#lab = new TestLab(this.#environment);
  }

  async up(): Promise<void> {
    await this.remove();
    await this.#hotspare('lab', 'up', '--yes');
  }

  remove(): Promise<void> {
    return this.#hotspare('lab', 'nuke', '--yes');
  }

  /** Ends its programs, and keeps their data and logs until the next soak. */
  down(): Promise<void> {
    return this.#hotspare('lab', 'down');
  }

  inflict(fault: Fault): Promise<string> {
    return this.#lab.command(fault, 'pg@pg1');
  }

  recover(fault: Fault): Promise<string> {
    return this.#lab.command(faults[fault], 'pg@pg1');
  }

  /** By the command that an operator types. Rejects when it ends with anything but "done". */
  async switchover(to: Member): Promise<{ readonly tookMs: number }> {
    const { exitCode, stdout, stderr } = await hotspare(
      ['switchover', '--to', to, '--yes', '-o', 'json'],
      this.#environment,
    );
    if (exitCode !== 0)
      throw new Error(`hotspare switchover --to ${to} ended with ${exitCode}: ${stdout}${stderr}`);
    return JSON.parse(stdout) as { tookMs: number };
  }

  /** What the agents of the members have logged, as lines of JSON. */
  agentLogs(): { readonly member: Member; readonly file: string }[] {
    const { logs } = labFiles(this.directory);
    return members.map((member) => ({ member, file: join(logs, `agent@${member}.log`) }));
  }

  /** What an app on nginx1 would be configured with. */
  connections(): Pick<Setup, 'login' | 'owner' | 'consul' | 'servers' | 'admin'> {
    const { passwords, tokens } = this.#secrets();
    const { address, port } = this.#lab.service('consul@nginx1');
    return {
      login: { user: 'todo_app', password: passwords.app, database: 'todo' },
      owner: { user: 'todo_migrate', password: passwords.migration },
      consul: {
        dns: { host: address, port: port + 100 },
        url: `http://${address}:${port}`,
        token: tokens.app,
      },
      servers: members.map((box) => this.#target(box)),
      admin: { user: 'postgres', password: passwords.postgres },
    };
  }

  /** Sessions of the soak test that the servers still have. */
  async sessions(): Promise<number> {
    const counts = await Promise.all(
      members.map((member) =>
        this.#count(member, 'pg_stat_activity WHERE application_name = $1', [applicationName]),
      ),
    );
    return counts.reduce((sum, n) => sum + n, 0);
  }

  async isStandbyStreaming(): Promise<boolean> {
    return (await this.#count('pg1', "pg_stat_replication WHERE state = 'streaming'")) > 0;
  }

  async #count(member: Member, from: string, values: readonly string[] = []): Promise<number> {
    const { admin } = this.connections();
    const client = new pg.Client({ ...this.#target(member), ...admin, database: 'postgres' });
    await client.connect();
    try {
      const { rows } = await client.query<{ n: number }>(`SELECT count(*)::int AS n FROM ${from}`, [
        ...values,
      ]);
      return rows[0]!.n;
    } finally {
      await client.end();
    }
  }

  #target(box: string) {
    const { address, port } = this.#lab.service(`pg@${box}`);
    return { host: address, port };
  }

  get directory(): string {
    return this.#environment['HOTSPARE_LAB_DIR']!;
  }

  #secrets(): Secrets {
    return JSON.parse(readFileSync(labFiles(this.directory).secrets, 'utf8')) as Secrets;
  }

  /** With its progress on our standard error. */
  #hotspare(...args: string[]): Promise<void> {
    const child = spawn(process.execPath, [bin, ...args], {
      env: { ...process.env, ...this.#environment },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`hotspare ${args.join(' ')} ended with ${code}`));
      });
    });
  }
}
