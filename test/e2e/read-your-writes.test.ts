import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labFiles, labSettings } from '../../lab/index.js';
import type { Secrets } from '../../provision/site/secrets.js';
import { TestLab } from '../support/lab.js';
import { eventuallyMs } from '../support/patience.js';
import { fetchAnew } from '../support/fetch-anew.js';

/** What is written through one balancer is read through the other at once, while the hot spare lags behind. */

const pairs = process.env['HOTSPARE_TEST_ALL'] ? 10_000 : 500;
const clients = 16;
/** Every so many-th client keeps no cookies. */
const withoutCookiesEvery = 4;
/** How late pg2 shows a commit; less than reads wait for it. */
const replayDelayMs = 20;

const lab = new TestLab();
beforeAll(() => lab.up());
const agent = new Agent({ keepAlive: true, maxSockets: clients });
let balancers: readonly string[];
let spare: pg.Client;

beforeAll(async () => {
  await lab.waitForMode('read-write', eventuallyMs);
  balancers = lab.status().urls.todo;
  const { address, port } = lab.service('pg@pg2');
  const { directory } = labSettings({ ...process.env, ...lab.environment }, process.getuid?.() === 0);
  const { passwords } = JSON.parse(readFileSync(labFiles(directory).secrets, 'utf8')) as Secrets;
  spare = new pg.Client({
    host: address,
    port,
    user: 'postgres',
    password: passwords.postgres,
    database: 'postgres',
  });
  await spare.connect();
});
afterAll(async () => {
  agent.destroy();
  await spare.query('SELECT pg_wal_replay_resume()');
  await delayReplay(0);
  await spare.end();
  await fetchAnew(`${balancers[0]}todos`, { method: 'DELETE' });
});

async function delayReplay(delayMs: number): Promise<void> {
  await spare.query(`ALTER SYSTEM SET recovery_min_apply_delay = '${delayMs}ms'`);
  await spare.query('SELECT pg_reload_conf()');
}

interface Answer {
  readonly status: number;
  readonly readFrom: unknown;
  readonly cookie: string | undefined;
  readonly body: string;
}

function ask(url: string, cookie: string | undefined, todo?: { id: string; title: string }): Promise<Answer> {
  const headers = {
    ...(cookie === undefined ? {} : { Cookie: cookie }),
    ...(todo ? { 'Content-Type': 'application/json' } : {}),
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: todo ? 'POST' : 'GET', agent, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (text: string) => (body += text));
      response.on('error', reject);
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          readFrom: response.headers['x-hotspare-read-role'],
          cookie: response.headers['set-cookie']?.[0]?.split(';')[0],
          body,
        }),
      );
    });
    sent.on('error', reject);
    sent.end(todo && JSON.stringify(todo));
  });
}

/** A browser, or a program that keeps no cookies. Each change goes through one balancer, the read after it through the other. */
class Client {
  #cookie: string | undefined;

  constructor(
    private readonly number: number,
    readonly keepsCookies: boolean,
  ) {}

  get cookie(): string | undefined {
    return this.#cookie;
  }

  async store(turn: number): Promise<{ id: string; title: string }> {
    const todo = { id: randomUUID(), title: `${this.number}: ${turn}` };
    const answer = await ask(`${this.#balancer(turn)}todos`, this.#cookie, todo);
    expect([answer.status, answer.body]).toEqual([201, expect.stringContaining(todo.id)]);
    expect(answer.cookie).toMatch(/^hotspare_after=[\w-]{28}$/);
    if (this.keepsCookies) this.#cookie = answer.cookie;
    return todo;
  }

  read(id: string, turn: number, cookie = this.#cookie): Promise<Answer> {
    return ask(`${this.#balancer(turn + 1)}todos/${id}`, cookie);
  }

  #balancer(turn: number): string {
    return balancers[(this.number + turn) % balancers.length]!;
  }
}

const isFresh = ({ status, body }: Answer, title: string) =>
  status === 200 && (JSON.parse(body) as { title: string }).title === title;

test('a hot spare that stands still shows nothing new; whoever has done something sees it all the same', async () => {
  const client = new Client(0, true);
  await client.store(0);
  const before = client.cookie;
  await spare.query('SELECT pg_wal_replay_pause()');
  const todo = await client.store(1);
  // What would be read without waiting: this is what a stale read looks like.
  expect(await client.read(todo.id, 1, before)).toMatchObject({ status: 404, readFrom: 'replica' });
  const own = await client.read(todo.id, 1);
  expect([isFresh(own, todo.title), own.readFrom]).toEqual([true, 'primary']);
  await spare.query('SELECT pg_wal_replay_resume()');
});

test(`${pairs} changes through one balancer, each read through the other at once`, async () => {
  await delayReplay(replayDelayMs);
  const counts = { pairs: 0, stale: 0, byReplica: 0, withCookie: 0, withoutCookie: 0 };
  const tookMs: number[] = [];
  let next = 0;
  const all = Array.from(
    { length: clients },
    (_, number) => new Client(number, number % withoutCookiesEvery !== 0),
  );
  const startedMs = performance.now();
  await Promise.all(
    all.map(async (client) => {
      while (next < pairs) {
        const turn = next++;
        const todo = await client.store(turn);
        const askedMs = performance.now();
        const answer = await client.read(todo.id, turn);
        tookMs.push(performance.now() - askedMs);
        counts.pairs += 1;
        if (!isFresh(answer, todo.title)) counts.stale += 1;
        if (client.keepsCookies) counts.withCookie += 1;
        else counts.withoutCookie += 1;
        if (answer.readFrom === 'replica') {
          counts.byReplica += 1;
          expect(client.keepsCookies).toBe(true);
        }
      }
    }),
  );
  const sorted = tookMs.sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)]?.toFixed(1);
  console.log(
    `${counts.pairs} pairs in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s: ${counts.stale} stale; ` +
      `${counts.byReplica} of ${counts.withCookie} reads with a cookie served by the hot spare, ` +
      `${counts.withoutCookie} without one by the primary; a read took ${at(0.5)} ms (median), ${at(0.99)} ms (99 %)`,
  );
  expect(counts).toMatchObject({ pairs, stale: 0 });
  expect(counts.byReplica).toBeGreaterThan(0);
}, 900_000);
