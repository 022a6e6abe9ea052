import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Pool } from '../../sidecar/index.js';
import { TestLab, get, median, post } from '../support/lab.js';
import { eventuallyMs, toldMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';
import { labPool } from '../support/lab-pool.js';

const lab = new TestLab();
beforeAll(() => lab.up());
let pool: Pool;
let url = '';

beforeAll(async () => {
  url = lab.status().urls.todo[0] as string;
  await lab.waitForMode('read-write', eventuallyMs);
  pool = labPool(lab);
  await pool.waitForMode('read-write', eventuallyMs);
  await Promise.all([pool.query('SELECT 1'), pool.read.query('SELECT 1')]);
});
afterEach(async () => {
  for (const { box, state } of ['pg1', 'pg2'].map((box) => ({
    box,
    state: lab.service(`pg@${box}`).state,
  }))) {
    if (state !== 'running') await lab.command(state === 'frozen' ? 'thaw' : 'start', `pg@${box}`);
  }
  await lab.waitForMode('read-write', eventuallyMs);
});
afterAll(() => pool.end());

/**
 * Milliseconds from the call until the query is answered again. A failed try is repeated after a millisecond: without
 * that pause the asking itself takes a core, and the members' end has to wait for it.
 */
async function answeredAgainMs(query: () => Promise<unknown>, limitMs: number): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    try {
      await query();
      return performance.now() - startedMs;
    } catch (error) {
      if (performance.now() - startedMs > limitMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

/** A POST on its way when its connection died may be unconfirmed (504), and says so; one of the next is refused (503). */
async function postUntilAnswered(): Promise<{ status: number; unconfirmed: boolean }> {
  for (let unconfirmed = false; ; unconfirmed = true) {
    const { status, body } = await post(`${url}todos`, 'never stored', eventuallyMs);
    if (status !== 504) return { status, unconfirmed };
    expect(body).toContain('urn:hotspare:problem:outcome-unknown');
  }
}

/** An idle session of plain pg on pg1; what is returned tells how long from then on it takes to hear of the end (57P01). */
async function bareClientHears(): Promise<() => Promise<number>> {
  const { default: pg } = await import('pg');
  const { address, port } = lab.service('pg@pg1');
  const client = new pg.Client({ ...labPool.options(lab), host: address, port });
  const heard = new Promise<number>((resolve) => client.on('error', () => resolve(performance.now())));
  await client.connect();
  return async () => {
    const startedMs = performance.now();
    return (await heard) - startedMs;
  };
}

async function backToReadWrite(): Promise<number> {
  await lab.command('start', 'pg@pg1');
  const acceptsMs = await waitFor('pg1 to accept connections', eventuallyMs, () => accepts(lab), 5);
  await pool.waitForMode('read-write', eventuallyMs);
  return performance.now() - acceptsMs;
}

/** When pg1 first took a session as a primary: monotonic ms. */
async function accepts(of: TestLab): Promise<number | false> {
  const { default: pg } = await import('pg');
  const { address, port } = of.service('pg@pg1');
  const client = new pg.Client({ ...labPool.options(of), host: address, port });
  client.on('error', () => {});
  try {
    await client.connect();
    return performance.now();
  } catch {
    return false;
  } finally {
    await client.end().catch(() => {});
  }
}

/** A round takes ten seconds on a busy machine; the figures of the README are those of 20. */
const rounds = process.env['HOTSPARE_TEST_ALL'] === '1' ? 20 : 8;
/** The app waits two seconds for a primary (WRITE_WAIT_MS) before it refuses one: not in every round. */
const posts = 4;

describe('the primary is lost', () => {
  test(`kill -9 of the postmaster, ${rounds} times: reads are answered again at once, writes are refused`, async () => {
    const figures = {
      floor: [] as number[],
      pool: [] as number[],
      read: [] as number[],
      post: [] as number[],
      back: [] as number[],
    };
    let unconfirmed = 0;
    for (let round = 0; round < rounds; round++) {
      const pid = lab.pid('pg@pg1');
      await Promise.all([pool.query('SELECT 1'), pool.read.query('SELECT 1')]);
      const hearsTheEnd = await bareClientHears();
      process.kill(pid, 'SIGKILL');
      const floor = hearsTheEnd();
      const [byPool, byRead] = await Promise.all([
        answeredAgainMs(() => afterKill(pool), eventuallyMs),
        answeredAgainMs(() => pool.read.query('SELECT 1'), eventuallyMs),
      ]);
      figures.floor.push(await floor);
      figures.pool.push(byPool);
      figures.read.push(byRead);
      if (round < posts) {
        const startedMs = performance.now();
        const refused = await postUntilAnswered();
        figures.post.push(performance.now() - startedMs);
        if (refused.unconfirmed) unconfirmed++;
        expect(refused.status).toBe(503);
      }
      expect(pool.mode).toBe('read-only');
      figures.back.push(await backToReadWrite());
      await lab.waitForMode('read-write', eventuallyMs);
    }
    const floor = 'floor, an idle session of plain pg hears of it';
    for (const [name, values] of Object.entries(figures)) {
      console.log(
        `kill pg1, ${name === 'floor' ? floor : name}: median ${median(values).toFixed(1)} ms, max ${Math.max(...values).toFixed(1)} ms of ${values.length}`,
      );
    }
    // The figures above are what is promised; these bounds leave room for a busy machine, and catch that somebody waits
    // for a deadline (of a connection here: 5 s).
    for (const name of ['pool', 'read'] as const) expect(median(figures[name]), name).toBeLessThan(4_000);
    expect(median(figures.post)).toBeLessThan(toldMs);
    expect(median(figures.back)).toBeLessThan(eventuallyMs / 3);
    console.log(
      `kill pg1: ${unconfirmed} of ${posts} POSTs were unconfirmed (504), the others refused (503)`,
    );
    if (unconfirmed === 0) expect((await get(`${url}todos`)).body).not.toContain('never stored');
  }, 400_000);

  test('frozen: read-only, no query hangs; thawed: read-write', async () => {
    await lab.waitForMode('read-write', eventuallyMs);
    const frozen = lab.command('freeze', 'pg@pg1').then(() => performance.now());
    const slow: number[] = [];
    let stop = false;
    const load = Promise.all(
      [pool, pool.read].map(async (one) => {
        while (!stop) {
          const startedMs = performance.now();
          await one.query('SELECT 1').catch(() => {});
          slow.push(performance.now() - startedMs);
          await new Promise((resolve) => setTimeout(resolve, 5));
        }
      }),
    );
    const frozenMs = await frozen;
    await pool.waitForMode('read-only', eventuallyMs);
    const readOnlyMs = performance.now() - frozenMs;
    const write = await postUntilAnswered();
    await lab.waitForMode('read-only', eventuallyMs);
    stop = true;
    await load;
    console.log(
      `freeze pg1: read-only after ${readOnlyMs.toFixed(0)} ms, slowest query ${Math.max(...slow).toFixed(0)} ms`,
    );
    expect(write.status).toBe(503);
    expect(Math.max(...slow)).toBeLessThan(toldMs);
    const thawMs = performance.now();
    await lab.command('thaw', 'pg@pg1');
    await lab.waitForMode('read-write', eventuallyMs);
    console.log(`thaw pg1: read-write after ${(performance.now() - thawMs).toFixed(0)} ms, command included`);
  });

  test('stopped in good order and started again', async () => {
    await lab.waitForMode('read-write', eventuallyMs);
    await lab.command('stop', 'pg@pg1');
    await lab.waitForMode('read-only', eventuallyMs);
    expect((await get(`${url}todos`)).status).toBe(200);
    const backMs = await backToReadWrite();
    console.log(`start pg1: read-write ${backMs.toFixed(0)} ms after it accepted connections`);
    await lab.waitForMode('read-write', eventuallyMs);
  });

  test('the hot spare lost: still read-write; reads go to the primary', async () => {
    await lab.command('kill', 'pg@pg2');
    await pool.read.query('SELECT 1');
    expect((await post(`${url}todos`, 'spare is gone')).status).toBe(201);
    await lab.command('start', 'pg@pg2');
    await waitFor('the spare to be read from again', eventuallyMs, () => pool.topology.replicas.length === 1);
  });
});

/** Answered by the surviving member: the first answer from the killed one's last moments does not count. */
async function afterKill(of: Pool): Promise<void> {
  const { rows } = await of.query<{ standby: boolean }>('SELECT pg_is_in_recovery() AS standby');
  if (!rows[0]?.standby) throw new Error('still the primary');
}
