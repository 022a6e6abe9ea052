import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Pool } from '../../../sidecar/index.js';
import type { Summary } from '../../../status/index.js';
import { hotspare, TestLab } from '../../support/lab.js';
import { labPool } from '../../support/lab-pool.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-failover-'));
const topologyFile = join(folder, 'topology.json');
/** A lab of its own: the others' roles are observed. */
const lab = new TestLab({
  HOTSPARE_LAB_DIR: join('/var/tmp', `hotspare-failover-${process.pid}`),
  HOTSPARE_PORT_OFFSET: '5000',
  HOTSPARE_TOPOLOGY: topologyFile,
});
const run = (...args: string[]) => hotspare(args, lab.environment);
let pool: Pool;

beforeAll(async () => {
  const topology = JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as {
    postgres: { policy?: object };
  };
  topology.postgres.policy = { ...topology.postgres.policy, roles: 'managed' };
  writeFileSync(topologyFile, JSON.stringify(topology));
  await lab.command('up', '--yes');
  pool = labPool(lab);
  await pool.waitForMode('read-write', eventuallyMs);
  await settled('pg1');
});
afterAll(async () => {
  await pool?.end();
  await hotspare(['lab', 'nuke', '--yes'], lab.environment);
  rmSync(folder, { recursive: true, force: true });
});

async function status(): Promise<Summary> {
  return JSON.parse((await run('status', '-o', 'json')).stdout) as Summary;
}

/** Waits until this member leads, and the other follows. */
const settled = (primary: string) =>
  waitFor(`${primary} to lead and the other to follow`, eventuallyMs, async () => {
    const { failover } = await status();
    const rows = failover?.members.map(({ member, row }) => `${member} ${row}`);
    const other = primary === 'pg1' ? 'pg2' : 'pg1';
    return (
      failover?.holder === primary &&
      rows?.includes(`${primary} holder`) === true &&
      rows.includes(`${other} following`)
    );
  });

/** Writes numbers one after the other, each once, and notes those that were acknowledged, and what failed. */
function writer() {
  const acknowledged: number[] = [];
  const failed: unknown[] = [];
  let isOver = false;
  const done = (async () => {
    for (let number = 0; !isOver; number += 1) {
      try {
        await pool.query(
          'INSERT INTO todo.todos (id, title, completed, "order") VALUES ($1, $2, false, $3)',
          [randomUUID(), `number ${number}`, number],
        );
        acknowledged.push(number);
      } catch (error) {
        failed.push(error);
      }
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  return {
    async end() {
      isOver = true;
      await done;
      const { rows } = await pool.query<{ title: string }>(
        "SELECT title FROM todo.todos WHERE title LIKE 'number %'",
      );
      const stored = new Set(rows.map(({ title }) => title));
      await pool.query("DELETE FROM todo.todos WHERE title LIKE 'number %'");
      return {
        acknowledged: acknowledged.length,
        failed,
        lost: acknowledged.filter((number) => !stored.has(`number ${number}`)),
      };
    },
  };
}

test('there and back, while an app writes: nothing that was acknowledged is lost', async () => {
  const app = writer();
  const there = await run('switchover', '--yes');
  expect(there).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^pg2 is the primary, epoch \d+; pg1 follows it\n$/) as string,
  });
  expect(there.stderr).toMatch(/ s pg[12]: .*(switchover|handed over|promoted)/);
  const back = await run('switchover', '--to', 'pg1', '--yes', '-o', 'json');
  expect(back.exitCode).toBe(0);
  expect(JSON.parse(back.stdout)).toMatchObject({
    outcome: 'done',
    order: { kind: 'switchover', from: 'pg2', to: 'pg1' },
  });
  await settled('pg1');
  const { acknowledged, failed, lost } = await app.end();
  console.log(`switchover there and back: ${acknowledged} acknowledged, ${failed.length} failed`);
  expect(lost).toEqual([]);
  expect(acknowledged, String(failed[0])).toBeGreaterThan(0);
});

test.each([
  [['switchover', '--to', 'pg1', '--yes'], /pg1 is the primary already/],
  [['switchover', '--to', 'pg9', '--yes'], /pg9 is not a member; there are pg1, pg2/],
  [['promote', 'pg1', '--yes'], /pg1 is the primary already/],
  [['promote', 'pg2', '--yes'], /"hotspare switchover --to pg2" loses nothing/],
  [['reinit', 'pg1', '--yes'], /the only copy is never rebuilt/],
  [['withdraw'], /no order stands/],
  [['policy', 'set', 'promotion=auto'], /needs durability=sync/],
])('%j is refused as unsafe', async (args, why) => {
  const { exitCode, stderr } = await run(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 4, stderr: expect.stringMatching(why) as string });
  const json = await run(...args, '-o', 'json');
  expect(JSON.parse(json.stdout)).toMatchObject({
    outcome: 'refused',
    exitCode: 4,
    sentence: expect.stringMatching(why) as string,
  });
});

test.each([
  [['switchover'], /--yes/],
  [['promote', 'pg2'], /--yes/],
  [['reinit', 'pg2'], /--yes/],
  [['policy', 'set', 'roles=observe'], /--yes/],
  [['policy', 'set', 'strict=perhaps'], /expected one of true, false/],
  [['policy', 'set', 'paused=true'], /"hotspare pause" pauses/],
  [['switchover', '--yes', '--secret-file', '/nowhere'], /there is no such file/],
])('%j is called wrongly where nobody can be asked', async (args, why) => {
  const { exitCode, stderr } = await run(...args);
  expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringMatching(why) as string });
  expect((await status()).failover?.order).toBeUndefined();
});

test('a pause refuses orders and is said by the status; resume ends it', async () => {
  expect(await run('pause')).toMatchObject({ exitCode: 0, stdout: 'paused=true\n' });
  const refused = await run('switchover', '--yes');
  expect(refused).toMatchObject({
    exitCode: 4,
    stderr: expect.stringContaining('hotspare resume') as string,
  });
  await waitFor('the status to say it', eventuallyMs, async () => {
    const { exitCode, stdout } = await run('status');
    return exitCode === 3 && stdout.includes('-> "hotspare resume"');
  });
  expect(await run('resume')).toMatchObject({ exitCode: 0, stdout: 'paused=false\n' });
  expect((await run('policy')).stdout).toContain('paused=false\n');
  await settled('pg1');
});

test('the primary is killed: the other is promoted, and the old one comes back as its standby', async () => {
  await lab.command('kill', 'pg@pg1');
  await waitFor('the status to say what to type', eventuallyMs, async () => {
    const { exitCode, stdout } = await run('status');
    return exitCode === 3 && stdout.includes('"hotspare promote pg2"');
  });
  const promoted = await run('promote', 'pg2', '--yes');
  expect(promoted).toMatchObject({
    exitCode: 0,
    stdout: expect.stringMatching(/^pg2 is the primary, epoch \d+\n$/) as string,
  });
  expect(promoted.stderr).toContain('Known positions:');
  await pool.waitForMode('read-write', eventuallyMs);
  await lab.command('start', 'pg@pg1');
  await settled('pg2');
  const back = await run('switchover', '--to', 'pg1', '--yes');
  expect(back.exitCode).toBe(0);
  await settled('pg1');
});

test('a member is rebuilt when told, once', async () => {
  const { exitCode, stdout, stderr } = await run('reinit', 'pg2', '--yes');
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: 'pg2 follows the primary again\n',
    stderr: expect.any(String) as string,
  });
  expect(stderr.match(/a rejoin has left it stopped/g)?.length ?? 0).toBeLessThan(2);
  await settled('pg1');
});

test('the history tells all of it, in order', async () => {
  const { exitCode, stdout } = await run('history', '-o', 'json');
  expect(exitCode).toBe(0);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { kind: string; epoch: number; member: string; order?: string });
  const promotions = events.filter(({ kind }) => kind === 'promoted');
  const moved = promotions.filter(({ member }, index) => member !== promotions[index - 1]?.member);
  expect(moved.map(({ member }) => member)).toEqual(['pg2', 'pg1', 'pg2', 'pg1']);
  const epochs = promotions.map(({ epoch }) => epoch);
  expect(epochs).toEqual([...epochs].sort((a, b) => a - b));
  expect(moved.filter(({ order }) => order === undefined)).toEqual([]);
  expect(events.filter(({ kind }) => kind === 'quarantined')).toEqual([]);
  const shown = await run('history');
  expect(shown.stdout).toMatch(/epoch \d+ {2}pg2 promoted {2}\(record-promotion\)\n/);
});
