import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync, chmodSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Topology } from '../../../provision/topology/topology.js';
import { hotspare, TestLab } from '../../support/lab.js';
import { labPool } from '../../support/lab-pool.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { fetchAnew } from '../../support/fetch-anew.js';

/** A lab of its own whose roles are managed from the first hour. */
const folder = mkdtempSync(join(tmpdir(), 'hotspare-managed-'));
const topology = join(folder, 'topology.json');
const environment = {
  HOTSPARE_PORT_OFFSET: '4900',
  HOTSPARE_LAB_DIR: join(folder, 'lab'),
  HOTSPARE_TOPOLOGY: topology,
};
const lab = new TestLab(environment);

interface Report {
  readonly row: string;
  readonly epoch: number;
  readonly shared: { readonly record?: { readonly members: readonly { readonly name: string }[] } };
}

const agentOf = (box: string) => {
  const { address, port } = lab.service(`agent@${box}`);
  return `http://${address}:${port}`;
};
const report = async (box: string) =>
  (await (await fetchAnew(`${agentOf(box)}/v1/services/pg/failover`)).json()) as Report;
const untilRow = (box: string, row: string) =>
  waitFor(`${box} to be at ${row}`, 2 * eventuallyMs, async () => (await report(box)).row === row);

const untilRecorded = (...names: string[]) =>
  waitFor(`the record to name ${names.join(' and ')}`, 2 * eventuallyMs, async () => {
    const { shared } = await report('pg1');
    return shared.record?.members.map(({ name }) => name).join() === names.join();
  });
const run = async (...args: string[]) => {
  const { exitCode, stderr } = await hotspare(args, environment);
  expect({ args, exitCode, stderr }).toMatchObject({ exitCode: 0 });
};

beforeAll(async () => {
  chmodSync(folder, 0o755);
  const shipped = JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as Topology;
  const postgres = { ...shipped.postgres, policy: { roles: 'managed' } };
  writeFileSync(topology, JSON.stringify({ ...shipped, postgres }));
  await lab.command('up', '--yes');
});
afterAll(async () => {
  await hotspare(['lab', 'nuke', '--yes'], environment);
  rmSync(folder, { recursive: true, force: true });
});

test('promotion=auto in a fresh lab: the standby takes the place of a primary that is killed, and nothing acknowledged is lost', async () => {
  await untilRow('pg1', 'holder');
  await untilRow('pg2', 'following');
  await run('policy', 'set', 'durability=sync', 'promotion=auto', '--yes');
  await untilRecorded('pg1', 'pg2');
  const pool = labPool(lab);
  const acknowledged: string[] = [];
  let isOver = false;
  const write = async () => {
    const id = randomUUID();
    await pool.query('INSERT INTO todo.todos (id, title, completed, "order") VALUES ($1, $2, false, 0)', [
      id,
      id,
    ]);
    acknowledged.push(id);
  };
  const writing = (async () => {
    while (!isOver) {
      await write().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  try {
    await waitFor('writes', eventuallyMs, () => acknowledged.length > 20);
    await lab.command('kill', 'pg@pg1');
    await untilRow('pg2', 'degraded');
    const before = acknowledged.length;
    await waitFor('writes on the new primary', eventuallyMs, () => acknowledged.length > before + 20);
    await lab.command('start', 'pg@pg1');
    await untilRecorded('pg2', 'pg1');
  } finally {
    isOver = true;
    await writing;
  }
  const { rows } = await pool.query<{ count: number }>(
    'SELECT count(*)::int AS count FROM todo.todos WHERE id::text = ANY($1)',
    [acknowledged],
  );
  await pool.end();
  expect(rows).toEqual([{ count: acknowledged.length }]);
});

test('promotion=auto: an operator stops the primary, and the standby takes over first: no write fails', async () => {
  await untilRecorded('pg2', 'pg1');
  const pool = labPool(lab, { writeWaitMs: 10_000 });
  const errors: unknown[] = [];
  let written = 0;
  let isOver = false;
  const writing = (async () => {
    while (!isOver) {
      await pool
        .query('INSERT INTO todo.todos (id, title, completed, "order") VALUES ($1, $2, false, 0)', [
          randomUUID(),
          'x',
        ])
        .then(() => (written += 1))
        .catch((error: unknown) => errors.push(error));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  try {
    await waitFor('writes', eventuallyMs, () => written > 20);
    await lab.command('stop', 'pg@pg2');
    expect(lab.service('pg@pg2').state).toBe('stopped');
    const before = written;
    await waitFor('writes on the new primary', eventuallyMs, () => written > before + 20);
    // What an operator has stopped is not started by its agent.
    expect((await report('pg2')).row).toBe('stopped');
    await lab.command('start', 'pg@pg2');
    await untilRecorded('pg1', 'pg2');
  } finally {
    isOver = true;
    await writing;
    await pool.end();
  }
  expect(errors).toEqual([]);
  await run('policy', 'set', 'promotion=manual', 'durability=async', '--yes');
});

test('the first primary is taken into management; an order moves it', async () => {
  await untilRow('pg1', 'holder');
  await untilRow('pg2', 'following');
  const secret = readFileSync(join(environment.HOTSPARE_LAB_DIR, 'pg1', 'etc', 'http.secret'), 'utf8');
  const answer = await fetchAnew(`${agentOf('pg1')}/v1/services/pg/order`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}` },
    body: JSON.stringify({ kind: 'switchover', to: 'pg2' }),
  });
  expect(answer.status).toBe(200);
  await untilRow('pg2', 'holder');
  await untilRow('pg1', 'following');
});

test('down and up: pg2 stays the primary, and nobody was promoted but in place', async () => {
  const before = (await report('pg2')).epoch;
  await lab.command('down');
  await lab.command('up');
  await untilRow('pg2', 'holder');
  await untilRow('pg1', 'following');
  expect((await report('pg2')).epoch).toBe(before + 1);
});

test('a member whose data are gone is cloned and started by its agent', async () => {
  await lab.command('down');
  rmSync(join(environment.HOTSPARE_LAB_DIR, 'pg1', 'postgres', 'data'), { recursive: true });
  await lab.command('up');
  await untilRow('pg1', 'following');
  await untilRow('pg2', 'holder');
  await lab.waitForMode('read-write', eventuallyMs);
});

test('a managed Postgres that is killed stays down until it is started, and comes back behind its gate', async () => {
  const pid = lab.pid('keeper@pg2');
  await lab.command('kill', 'pg@pg2');
  await lab.waitForMode('read-only', eventuallyMs);
  expect(lab.service('pg@pg2').state).toBe('failed');
  await lab.command('start', 'pg@pg2');
  await lab.waitForMode('read-write', eventuallyMs);
  await untilRow('pg2', 'holder');
  expect(lab.pid('keeper@pg2')).toBe(pid);
});
