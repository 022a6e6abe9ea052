import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestLab, get, post, request } from '../support/lab.js';
import { labPool } from '../support/lab-pool.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

const lab = new TestLab();
beforeAll(() => lab.up());
let urls: readonly string[] = [];
beforeAll(async () => {
  urls = lab.status().urls.todo;
  await lab.waitForMode('read-write', eventuallyMs);
});
afterAll(async () => {
  for (const name of ['consul@all', 'agent@all', 'todomvc@all']) await lab.command('start', name);
  await lab.waitForMode('read-write', eventuallyMs);
});

interface Entry {
  Node: { Node: string };
  Service: { Service: string; Tags: string[] | null };
  Checks: { Status: string; Type?: string }[];
}

async function catalogue(): Promise<string[]> {
  const consul = lab.status().urls.consul.replace('/ui', '');
  const services = await Promise.all(
    ['pg', 'nginx', 'todomvc'].map(async (name) => {
      const { body } = await get(`${consul}/v1/health/service/${name}?passing`);
      return (JSON.parse(body) as Entry[]).map(({ Node, Service }) =>
        `${name} on ${Node.Node} ${(Service.Tags ?? []).join()}`.trim(),
      );
    }),
  );
  return services.flat().sort();
}

const whole = [
  'nginx on nginx1',
  'nginx on nginx2',
  'pg on pg1 primary',
  'pg on pg2 replica',
  'todomvc on nginx1',
  'todomvc on nginx2',
];

describe('Consul is away', () => {
  test('all of Consul stopped: read-write, routed, and a web app can be restarted; then all come back unchanged', async () => {
    expect(await catalogue()).toEqual(whole);
    await lab.command('stop', 'consul@all');
    const until = performance.now() + 6_000;
    let writes = 0;
    while (performance.now() < until) {
      for (const url of urls) {
        expect((await post(`${url}todos`, `without Consul ${writes++}`)).status).toBe(201);
        expect((await get(`${url}todos`)).mode).toBe('read-write');
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await lab.command('stop', 'todomvc@nginx2');
    await lab.command('start', 'todomvc@nginx2');
    const { address, port } = lab.service('todomvc@nginx2');
    await waitFor(
      'the restarted web app to be read-write from its last known good',
      eventuallyMs,
      async () => {
        return (await get(`http://${address}:${port}/todos`)).mode === 'read-write';
      },
    );
    console.log(`without Consul: ${writes} writes, all done`);

    await lab.command('start', 'consul@all');
    await waitFor(
      'every service back in the catalogue',
      60_000,
      async () => (await catalogue()).join() === whole.join(),
    );
    expect((await post(`${urls[0]}todos`, 'Consul is back')).status).toBe(201);
    await request(`${urls[0]}todos`, { method: 'DELETE' });
  }, 150_000);

  test('the agent of the primary stopped and started: no role changes, no query fails', async () => {
    await lab.waitForMode('read-write', eventuallyMs);
    const pool = labPool(lab);
    await pool.waitForMode('read-write', eventuallyMs);
    const failures: string[] = [];
    const modes: string[] = [];
    pool.on('mode', (mode: string) => modes.push(mode));
    let stop = false;
    const queries = (async () => {
      while (!stop) {
        await pool.query('SELECT 1').catch((error: Error) => failures.push(error.message));
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    })();
    await lab.command('stop', 'agent@pg1');
    await waitFor(
      'the primary to leave the catalogue',
      eventuallyMs,
      async () => !(await catalogue()).join().includes('pg on pg1'),
    );
    await lab.command('start', 'agent@pg1');
    await waitFor('the primary to be back in the catalogue', eventuallyMs, async () =>
      (await catalogue()).includes('pg on pg1 primary'),
    );
    stop = true;
    await queries;
    await pool.end();
    expect(failures).toEqual([]);
    expect(modes).toEqual([]);
  });

  test('access control: anonymous may read the catalogue and nothing else', async () => {
    const consul = lab.status().urls.consul.replace('/ui', '');
    expect((await get(`${consul}/v1/kv/any`)).status).toBe(403);
    expect((await request(`${consul}/v1/kv/any`, { method: 'PUT', body: 'x' })).status).toBe(403);
    const register = await request(`${consul}/v1/agent/service/register`, {
      method: 'PUT',
      body: '{"Name":"pg"}',
    });
    expect(register.status).toBe(403);
    expect((await get(`${consul}/v1/acl/tokens`)).status).toBe(403);
    expect((await get(`${consul}/v1/catalog/nodes`)).status).toBe(200);
  });
});
