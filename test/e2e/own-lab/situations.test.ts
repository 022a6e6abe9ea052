import { randomUUID } from 'node:crypto';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Pool } from '../../../sidecar/index.js';
import type { Summary } from '../../../status/index.js';
import { labFiles } from '../../../lab/index.js';
import { fetchAnew } from '../../support/fetch-anew.js';
import { hotspare, TestLab } from '../../support/lab.js';
import { labPool } from '../../support/lab-pool.js';
import { eventuallyMs } from '../../support/patience.js';
import { situationsIn, type Situation } from '../../support/situations.js';
import { waitFor } from '../../support/wait.js';

/** What docs/FAILOVER.md tells an operator to type, typed after its fault. */
const lab = new TestLab({
  HOTSPARE_PORT_OFFSET: '4800',
  HOTSPARE_LAB_DIR: join('/var/tmp', `hotspare-situations-${process.pid}`),
});
const situations = situationsIn(readFileSync('docs/FAILOVER.md', 'utf8'));
let pool: Pool;

/** Rebuilding a member and waiting for it takes several seconds each, and longer on a busy machine. */
const patienceMs = 3 * eventuallyMs;

async function run(...args: string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await hotspare(args, lab.environment);
  if (exitCode !== 0)
    throw new Error(`hotspare ${args.join(' ')} ended with ${exitCode}: ${stdout}${stderr}`);
  return stdout + stderr;
}

/** As the document has it; what asks is answered. */
const type = (command: string) => {
  const [program, ...words] = command.split(' ');
  expect(program).toBe('hotspare');
  const asks = ['promote', 'reinit', 'switchover', 'policy'].includes(words[0] ?? '');
  return run(...words, ...(asks ? ['--yes'] : []));
};

async function status(): Promise<{ exitCode: number; summary: Summary }> {
  const { exitCode, stdout } = await hotspare(['status', '-o', 'json'], lab.environment);
  return { exitCode, summary: JSON.parse(stdout) as Summary };
}

const said = async () =>
  ((await status()).summary.failover?.findings ?? []).map(({ cause, next }) => `${cause} ${next}`).join('\n');

const healthy = (primary?: string) =>
  waitFor(
    `all to be well${primary === undefined ? '' : `, with ${primary} as the primary`}`,
    patienceMs,
    async () => {
      const { exitCode, summary } = await status();
      const { holder, policy, record } = summary.failover ?? {};
      const isProtected = policy?.durability !== 'sync' || record?.members.length === 2;
      return exitCode === 0 && isProtected && (primary === undefined || holder === primary);
    },
  );

const sql = (box: string, statement: string) => {
  const { port } = lab.service(`pg@${box}`);
  const socket = join(lab.environment['HOTSPARE_LAB_DIR']!, box, 'run');
  const psql = `psql -qAt -v ON_ERROR_STOP=1 -h ${socket} -p ${port} -d postgres -c "${statement}"`;
  execFileSync('su', ['postgres', '-s', '/bin/sh', '-c', psql], { encoding: 'utf8' });
};

const write = async (title: string) =>
  pool.query('INSERT INTO todo.todos (id, title, completed, "order") VALUES ($1, $2, false, 1)', [
    randomUUID(),
    title,
  ]);

/** What brings Consul's data of now back. */
async function backupOfConsul(): Promise<() => Promise<void>> {
  const url = `${lab.status().urls.consul.replace(/\/ui.*/, '')}/v1/snapshot`;
  const file = labFiles(lab.environment['HOTSPARE_LAB_DIR']!).managementToken;
  const headers = { 'x-consul-token': readFileSync(file, 'utf8').trim() };
  const taken = await fetchAnew(url, { headers });
  expect(taken.status).toBe(200);
  const body = Buffer.from(await taken.arrayBuffer());
  return async () => {
    const restored = await fetchAnew(url, { method: 'PUT', headers, body });
    expect(restored.status).toBe(200);
  };
}

/** A backup whose record names both: on a busy machine the standby may just have been out. */
async function backupWithBoth(): Promise<() => Promise<void>> {
  let restore: (() => Promise<void>) | undefined;
  const record = async () => (await status()).summary.failover?.record;
  await waitFor('a backup of a record that names both', patienceMs, async () => {
    const before = await record();
    restore = await backupOfConsul();
    return before?.members.length === 2 && isDeepStrictEqual(before.members, (await record())?.members);
  });
  return restore!;
}

interface Fault {
  readonly policy?: readonly string[];
  readonly break: () => Promise<unknown>;
  /** Of what the status says. */
  readonly says?: RegExp;
  /** What an operator does who repairs a box. */
  readonly repair?: () => Promise<unknown>;
  readonly primary: 'pg1' | 'pg2';
}

const faults: Record<string, Fault> = {
  "The primary's Postgres is down, and can run": {
    break: () => lab.command('kill', 'pg@pg1'),
    says: /pg1, the primary, does not run/,
    primary: 'pg1',
  },
  "The primary's Postgres cannot be repaired soon": {
    break: () => lab.command('kill', 'pg@pg1'),
    says: /loses no acknowledged commit/,
    primary: 'pg2',
  },
  'The primary hangs': {
    break: () => lab.command('freeze', 'pg@pg1'),
    says: /pg1, the primary, runs and does not answer/,
    primary: 'pg2',
  },
  "The primary's box is gone": {
    policy: ['durability=async'],
    break: async () => {
      for (const program of ['pg', 'agent', 'keeper', 'consul']) await lab.command('kill', `${program}@pg1`);
    },
    says: /the agent of pg1, the primary, does not answer/,
    repair: async () => {
      for (const program of ['consul', 'keeper', 'agent', 'pg']) await lab.command('start', `${program}@pg1`);
    },
    primary: 'pg2',
  },
  'The standby is down': {
    break: () => lab.command('kill', 'pg@pg2'),
    says: /pg2 does not run: it cannot stand in for pg1/,
    primary: 'pg1',
  },
  'The standby was lost, and then the primary': {
    break: async () => {
      await lab.command('kill', 'pg@pg2');
      await waitFor('pg2 to go out of the record', patienceMs, async () => /degraded/.test(await said()));
      await write('while pg2 was away');
      await lab.command('kill', 'pg@pg1');
    },
    says: /pg1, the primary, does not run.*No other member can take over/,
    primary: 'pg1',
  },
  'Writes wait for a standby': {
    policy: ['strict=true'],
    break: () => lab.command('kill', 'pg@pg2'),
    says: /Writes wait/,
    repair: () => lab.command('start', 'pg@pg2'),
    primary: 'pg1',
  },
  'Paused, and the primary was lost': {
    break: async () => {
      await run('pause');
      await lab.command('kill', 'pg@pg1');
    },
    says: /An operator has paused the service/,
    primary: 'pg1',
  },
  'As many failovers as the policy allows': {
    policy: ['promotion=auto', 'maxFailovers=1'],
    break: async () => {
      await lab.command('kill', 'pg@pg1');
      await waitFor(
        'pg2 to take over',
        patienceMs,
        async () => (await status()).summary.failover?.holder === 'pg2',
      );
      await lab.command('start', 'pg@pg1');
      await healthy('pg2');
      await run('switchover', '--to', 'pg1', '--yes');
      await healthy('pg1');
      await lab.command('kill', 'pg@pg1');
    },
    says: /as many failovers in 10 minutes as maxFailovers allows/,
    repair: () => lab.command('start', 'pg@pg1'),
    primary: 'pg2',
  },
  'A member was promoted by hand': {
    policy: ['promotion=manual', 'maxFailovers=3'],
    break: async () => sql('pg2', 'SELECT pg_promote(false)'),
    says: /pg2 was promoted by hand/,
    primary: 'pg1',
  },
  'Consul is away': {
    break: () => lab.command('stop', 'consul@all'),
    says: /No agent can read Consul/,
    primary: 'pg1',
  },
  'Consul was restored from a backup': {
    break: async () => {
      const restore = await backupWithBoth();
      await lab.command('kill', 'pg@pg2');
      await waitFor('pg2 to go out of the record', patienceMs, async () => /degraded/.test(await said()));
      await write('while pg2 was away again');
      await lab.command('kill', 'pg@pg1');
      await restore();
      await lab.command('start', 'pg@pg2');
      await lab.command('start', 'pg@pg1');
    },
    says: /Consul's data is older.*No member runs as the primary/,
    primary: 'pg1',
  },
  "The primary's box needs care": { break: async () => {}, primary: 'pg2' },
};

beforeAll(async () => {
  await lab.up();
  pool = labPool(lab);
  await pool.waitForMode('read-write', eventuallyMs);
  await run('policy', 'set', 'durability=sync', '--yes');
  await healthy('pg1');
});
afterAll(async () => {
  await pool?.end();
  await hotspare(['lab', 'nuke', '--yes'], lab.environment);
});

test('each situation has its fault here', () => {
  expect(situations.map(({ title }) => title)).toEqual(Object.keys(faults));
});

describe.each(situations)('$title', ({ title, blocks }: Situation) => {
  const fault = faults[title]!;

  test(
    'what the document says is what the status says, and it helps',
    { timeout: 10 * eventuallyMs },
    async () => {
      if ((await status()).summary.failover?.holder !== 'pg1')
        await run('switchover', '--to', 'pg1', '--yes');
      const standing = ['durability=sync', 'strict=false'];
      await run('policy', 'set', ...standing, '--yes');
      if (fault.policy) await run('policy', 'set', ...fault.policy, '--yes');
      await healthy('pg1');
      await write(title);
      // With async it may be on pg1 alone.
      await waitFor('pg2 to have it', patienceMs, async () => {
        const { rows } = await pool.read.query('SELECT 1 FROM todo.todos WHERE title = $1', [title]);
        return rows.length > 0;
      });

      await fault.break();
      const { says } = fault;
      if (says)
        await waitFor(`the status to say it and what to type (${says.source})`, patienceMs, async () => {
          const text = await said();
          if (says.test(text) && blocks[0]!.every((command) => text.includes(`"${command}"`))) return true;
          throw new Error(text);
        });
      for (const command of blocks.flat()) await type(command);
      await fault.repair?.();
      await healthy(fault.primary);
      await pool.waitForMode('read-write', eventuallyMs);
      await write(`${title}: over`);
    },
  );
});

test('all that was acknowledged is there', async () => {
  const { rows } = await pool.query<{ title: string }>('SELECT title FROM todo.todos');
  const titles = rows.map(({ title }) => title);
  for (const { title } of situations) {
    expect(titles).toContain(title);
    expect(titles).toContain(`${title}: over`);
  }
  expect(titles).toContain('while pg2 was away');
  expect(titles).toContain('while pg2 was away again');
});
