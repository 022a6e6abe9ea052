import { statusCommand, type StatusOptions } from '../../../cli/status/status.js';
import type { Summary } from '../../../status/index.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { agentFolder, agentRole, createAgentRole } from '../../support/agent/agent-role.js';
import { AgentProcess, buildAgent } from '../../support/agent/agent-process.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { startPostgresPair, type PostgresPair } from '../../support/postgres.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { fetchAnew } from '../../support/fetch-anew.js';

/** Whole agents as processes, a real pair of Postgres servers, a real Consul. */

/** A server that answers may take its time. */
const intervalMs = 2_000;

let consul: RealConsul;
let pair: PostgresPair;
let built: Awaited<ReturnType<typeof buildAgent>>;
let files: ReturnType<typeof agentFolder>;
let pg1: AgentProcess;
let pg2: AgentProcess;

beforeAll(async () => {
  files = agentFolder();
  [consul, pair, built] = await Promise.all([startConsul(), startPostgresPair(), buildAgent()]);
  await createAgentRole(pair.primary);
  const agent = (box: string, port: number) =>
    AgentProcess.prepare({
      program: built.file,
      folder: files.folder,
      box,
      consulUrl: consul.httpUrl,
      more: `services:
  - name: pg
    kind: postgres
    port: ${port}
    probe: { user: hotspare_agent, passwordFile: ${files.passwordFile}, intervalMs: ${intervalMs}, timeoutMs: ${intervalMs} }
`,
    });
  pg1 = await agent('pg1', pair.primary.port);
  pg2 = await agent('pg2', pair.standby.port);
  await Promise.all([pg1.start(), pg2.start()]);
});
afterAll(async () => {
  await Promise.all([pg1?.destroy(), pg2?.destroy()]);
  await Promise.all([consul?.destroy(), pair?.destroy()]);
  built?.destroy();
  files?.destroy();
});

/** What the catalogue says: `{ pg1: 'primary passing', pg2: … }`. */
async function catalogue(index = '0'): Promise<{ index: string; members: Record<string, string> }> {
  const response = await fetchAnew(`${consul.httpUrl}/v1/health/service/pg?index=${index}&wait=20s`);
  const entries = (await response.json()) as {
    Service: { Tags: string[]; Meta: Record<string, string> };
    Checks: { CheckID: string; Status: string }[];
  }[];
  const members = entries.map(({ Service, Checks }) => {
    const status = Checks.find(({ CheckID }) => CheckID.startsWith('service:'))?.Status;
    return [Service.Meta['hotspare-box'], `${Service.Tags.join()} ${status}`] as const;
  });
  return { index: response.headers.get('x-consul-index') ?? '0', members: Object.fromEntries(members) };
}

const both = { pg1: 'primary passing', pg2: 'replica passing' };
const becomes = (wanted: Record<string, string>) =>
  waitFor(`the catalogue to be ${JSON.stringify(wanted)}`, eventuallyMs, async () => {
    const { members } = await catalogue();
    if (JSON.stringify(sortedEntries(members)) === JSON.stringify(sortedEntries(wanted))) return true;
    throw new Error(JSON.stringify(members));
  });
const sortedEntries = (members: Record<string, string>) => Object.entries(members).sort();

beforeEach(() => becomes(both));

test('the status says what is so', async () => {
  const status = await waitFor('figures', eventuallyMs, async () => {
    const one = await pg2.status();
    return one.services[0]?.lagBytes === undefined ? undefined : one;
  });
  expect(status).toMatchObject({
    box: 'pg2',
    services: [{ name: 'pg', role: 'replica', state: 'passing', timeline: 1, streaming: true }],
    consul: { reachable: true },
  });
});

test('kill -9 of the postmaster is in the catalogue at once, and so is its return', async () => {
  const tookMs: number[] = [];
  for (let round = 0; round < 3; round++) {
    let { index, members } = await catalogue();
    expect(members).toEqual(both);
    await probed();
    const killedMs = performance.now();
    pair.primary.kill();
    while (members['pg1'] === 'primary passing') ({ index, members } = await catalogue(index));
    tookMs.push(performance.now() - killedMs);
    expect(members).toEqual({ ...both, pg1: 'primary critical' });
    await pair.primary.start();
    await becomes(both);
    // The session that tells of the next crash is back.
    await waitFor('a held session', eventuallyMs, async () => {
      const [row] = await pair.primary.query(
        "SELECT count(*)::int FROM pg_stat_activity WHERE usename = 'hotspare_agent' AND state = 'idle' AND now() - backend_start > '500 ms'",
      );
      return Number(row?.[0]) >= 1;
    });
  }
  console.log(`postmaster killed -> catalogue, ms: ${tookMs.map(Math.round).join(', ')}`);
  // 250 ms on a quiet machine; the figure is the benchmark's, this only catches waiting for the next regular probe.
  expect(Math.min(...tookMs)).toBeLessThan(0.75 * intervalMs);
});

/** Until pg1's agent has just probed: the next regular probe is a whole interval away. */
async function probed(): Promise<void> {
  const beat = () =>
    pair.primary.query("SELECT beat FROM hotspare.heartbeat WHERE box = 'pg1'", [], 'postgres');
  const before = String(await beat());
  await waitFor('a probe', eventuallyMs, async () => String(await beat()) !== before);
}

test('a frozen postmaster is critical, and well after the thaw', async () => {
  pair.primary.freeze();
  try {
    await becomes({ ...both, pg1: 'primary critical' });
  } finally {
    pair.primary.thaw();
  }
  await becomes(both);
});

/** Ten times with `HOTSPARE_TEST_ALL=1`. */
const freezes = process.env['HOTSPARE_TEST_ALL'] ? 10 : 2;

test('with the default timings, frozen as a whole: the figure', { timeout: 300_000 }, async () => {
  await pg1.stop();
  const hasty = await AgentProcess.prepare({
    program: built.file,
    folder: join(files.folder, 'hasty'),
    box: 'pg1',
    consulUrl: consul.httpUrl,
    more: `services:
  - name: pg
    kind: postgres
    port: ${pair.primary.port}
    probe: { user: hotspare_agent, passwordFile: ${files.passwordFile} }
`,
  });
  await hasty.start();
  const tookMs: number[] = [];
  try {
    await becomes(both);
    for (let round = 0; round < freezes; round++) {
      // Anywhere between two probes.
      await new Promise((resolve) => setTimeout(resolve, 1_500 + 97 * round));
      await becomes(both);
      let { index, members } = await catalogue();
      const frozenMs = performance.now();
      pair.primary.freeze();
      try {
        while (members['pg1'] === 'primary passing') ({ index, members } = await catalogue(index));
        tookMs.push(performance.now() - frozenMs);
      } finally {
        pair.primary.thaw();
      }
      await becomes(both);
    }
  } finally {
    pair.primary.thaw();
    await hasty.destroy();
    await pg1.start();
  }
  // 1.1 s by design; how busy the machine is decides the rest.
  console.log(`primary frozen -> critical in the catalogue, ms: ${tookMs.map(Math.round).join(', ')}`);
  expect(tookMs).toHaveLength(freezes);
});

test('a password rotated while the server is down: why is said, and the new one is read from its file', async () => {
  const password = (text: string) =>
    pair.primary.administer([`ALTER USER hotspare_agent PASSWORD '${text}'`]);
  const checkText = async () => {
    const checks = (await (await fetchAnew(`${consul.httpUrl}/v1/agent/checks`)).json()) as Record<
      string,
      { Status: string; Output: string }
    >;
    const { Status, Output } = checks['service:pg@pg1']!;
    return `${Status}: ${Output}`;
  };
  try {
    await password('rotated-one');
    pair.primary.kill();
    await becomes({ ...both, pg1: 'primary critical' });
    await pair.primary.start();
    await waitFor('why', eventuallyMs, async () =>
      (await checkText()).startsWith("critical: it runs, but refuses the agent's login"),
    );
    writeFileSync(files.passwordFile, '\uFEFFrotated-one \r\n');
    await becomes(both);
    expect(pg1.log()).not.toContain('rotated-one');
  } finally {
    await password(agentRole.password);
    writeFileSync(files.passwordFile, agentRole.password);
  }
});

describe('Consul', () => {
  test('restarts: nobody changed role, and all are there', async () => {
    await consul.stop();
    await waitFor('the agent to notice', eventuallyMs, async () => !(await pg1.status()).consul.reachable);
    expect((await pg1.status()).services[0]).toMatchObject({ state: 'passing', role: 'primary' });
    await consul.start();
    await becomes(both);
    // The catalogue has come back with Consul; the agent may not have asked yet.
    await waitFor('the agent to notice', eventuallyMs, async () => (await pg1.status()).consul.reachable);
  });

  test('loses a registration: it is there again', async () => {
    await fetchAnew(`${consul.httpUrl}/v1/agent/service/deregister/pg@pg1`, { method: 'PUT' });
    await becomes(both);
  });

  test('holds tags that are not true: they are mended', async () => {
    await fetchAnew(`${consul.httpUrl}/v1/agent/service/register`, {
      method: 'PUT',
      body: JSON.stringify({ Name: 'pg', ID: 'pg@pg2', Tags: ['primary'], Address: '127.0.0.1', Port: 1 }),
    });
    await becomes(both);
  });

  test('holds a ghost of this box: it goes; another box’s stays', async () => {
    const register = (id: string, box: string) =>
      fetchAnew(`${consul.httpUrl}/v1/agent/service/register`, {
        method: 'PUT',
        body: JSON.stringify({ Name: 'redis', ID: id, Meta: { 'hotspare-box': box } }),
      });
    await register('redis@pg1', 'pg1');
    await register('redis@pg9', 'pg9');
    const ids = async () =>
      Object.keys((await (await fetchAnew(`${consul.httpUrl}/v1/agent/services`)).json()) as object);
    await waitFor('the ghost to go', eventuallyMs, async () => !(await ids()).includes('redis@pg1'));
    expect(await ids()).toContain('redis@pg9');
  });

  test('is frozen: the agent goes on, and stops when told', async () => {
    consul.freeze();
    try {
      await waitFor('the agent to notice', eventuallyMs, async () => !(await pg2.status()).consul.reachable);
      expect((await pg2.status()).services[0]).toMatchObject({ state: 'passing', role: 'replica' });
      const askedMs = performance.now();
      expect(await pg2.stop()).toBe(0);
      expect(performance.now() - askedMs).toBeLessThan(eventuallyMs);
    } finally {
      consul.thaw();
    }
    await pg2.start();
  });
});

describe('hotspare status', () => {
  const ask = async (more: Partial<StatusOptions> = {}) => {
    const said = { out: '', err: '' };
    const io = {
      out: (text: string) => void (said.out += text),
      err: (text: string) => void (said.err += text),
    };
    const options = {
      consulUrl: consul.httpUrl,
      output: 'json' as const,
      clock: systemClock,
      timeoutMs: eventuallyMs,
      ...more,
    };
    const code = await statusCommand(options, io);
    return { code, ...said };
  };
  const summary = ({ out }: { out: string }) => JSON.parse(out) as Summary;

  test('all is well: 0', async () => {
    const answer = await waitFor('nothing to complain of', eventuallyMs, async () => {
      const one = await ask();
      if (one.code === 0) return one;
      throw new Error(one.out + one.err);
    });
    expect(summary(answer)).toMatchObject({
      mode: 'read-write',
      degraded: false,
      why: [],
      members: [
        { box: 'pg1', role: 'primary', state: 'passing', source: 'agent', timeline: 1 },
        { box: 'pg2', role: 'replica', state: 'passing', source: 'agent', timeline: 1, streaming: true },
      ],
    });
  });

  test('the primary is gone: read-only since then, 3', async () => {
    const before = new Date().toISOString();
    pair.primary.kill();
    await becomes({ ...both, pg1: 'primary critical' });
    const answer = await ask();
    expect(answer.code).toBe(3);
    expect(summary(answer).mode).toBe('read-only');
    expect(summary(answer).since! >= before).toBe(true);
    expect((await ask({ output: 'text' })).out).toContain('pg1 is critical: connection refused');
    await pair.primary.start();
  });

  test('an agent is gone: what Consul holds is shown, 3', async () => {
    pg2.kill();
    const answer = await ask();
    expect(answer.code).toBe(3);
    expect(summary(answer).members[1]).toMatchObject({ box: 'pg2', role: 'replica', source: 'consul' });
    expect(summary(answer).why.join()).toContain('pg2: its agent at');
    await pg2.start();
  });

  test("the primary's box was told to leave: nothing is said of it that nobody knows, 3", async () => {
    await waitFor(
      'the replica to stream',
      eventuallyMs,
      async () => (await pg2.status()).services[0]?.streaming,
    );
    const secretFile = join(files.folder, 'http.secret');
    const response = await fetchAnew(`${pg1.statusUrl}/v1/leave`, {
      method: 'POST',
      headers: { authorization: `Bearer ${readFileSync(secretFile, 'utf8')}` },
    });
    expect([response.status, await response.json()]).toEqual([200, { left: ['pg'] }]);
    expect((await pg1.status()).consul.detail).toContain('was told to leave');
    expect(await pg1.stop()).toBe(0);
    try {
      const answer = await ask();
      expect(answer.code).toBe(3);
      expect(summary(answer)).toMatchObject({ mode: null, members: [{ box: 'pg2', streaming: true }] });
      expect(summary(answer)).not.toHaveProperty('since');
      expect(summary(answer).why.join()).toContain('Consul lists no primary');
      expect((await ask({ output: 'text' })).out).toMatch(/^pg: mode unknown, degraded\n/);
      await pair.primary.query('CREATE TABLE written_meanwhile ()');
    } finally {
      await pg1.start();
    }
  });

  test("the primary's agent is killed for good: its check runs out, and that is no word of the primary", async () => {
    pg1.kill();
    try {
      await becomes({ ...both, pg1: 'primary critical' });
      const answer = await ask();
      expect(answer.code).toBe(3);
      expect(summary(answer).mode).toBeNull();
      expect(summary(answer).why.join()).toContain('no agent could tell whether Postgres serves on pg1');
    } finally {
      await pg1.start();
    }
  });

  test('Consul is gone: a sentence and 1, or the agents when named and 3', async () => {
    await consul.stop();
    try {
      const without = await ask();
      expect(without).toMatchObject({ code: 1, out: '' });
      expect(without.err).toContain('connection refused. Ask the agents directly');
      const answer = await ask({ agents: [pg1.statusUrl, `${pg2.statusUrl}/`] });
      expect(answer.code).toBe(3);
      expect(summary(answer)).toMatchObject({ mode: 'read-write', consul: { reachable: false } });
    } finally {
      await consul.start();
    }
  });
});

describe('the agent', () => {
  test.each<[string, () => Promise<unknown> | void]>([
    ['is killed', () => pg1.kill()],
    ['stops', async () => expect(await pg1.stop()).toBe(0)],
  ])('%s and is started again: the catalogue does not notice', async (_, end) => {
    const since = (await pg1.status()).services[0]?.since;
    const seen = new Set<string>();
    let watching = true;
    const watcher = (async () => {
      while (watching) {
        seen.add(JSON.stringify(sortedEntries((await catalogue()).members)));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    })();
    await end();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await pg1.start();
    await waitFor('a probe', eventuallyMs, async () => (await pg1.status()).services[0]?.state === 'passing');
    await new Promise((resolve) => setTimeout(resolve, 500));
    watching = false;
    await watcher;
    expect([...seen]).toEqual([JSON.stringify(sortedEntries(both))]);
    expect((await pg1.status()).services[0]?.since).toBe(since);
  });

  test('stops, and what stops just before it is called critical by it', async () => {
    pair.primary.kill();
    expect(await pg1.stop()).toBe(0);
    expect((await catalogue()).members).toEqual({ ...both, pg1: 'primary critical' });
    await pair.primary.start();
    await pg1.start();
    await becomes(both);
  });

  test('stops for good: its check expires', async () => {
    expect(await pg2.stop()).toBe(0);
    expect((await catalogue()).members).toEqual(both);
    await becomes({ ...both, pg2: 'replica critical' });
    await pg2.start();
    await becomes(both);
  });

  test('dies for good: its check expires', async () => {
    pg2.kill();
    await becomes({ ...both, pg2: 'replica critical' });
    await pg2.start();
    await becomes(both);
  });

  test('goes on when its log cannot be written, and ends when told', async () => {
    const full = await AgentProcess.prepare({
      program: built.file,
      folder: files.folder,
      box: 'full',
      consulUrl: consul.httpUrl,
      more: '',
      logFile: '/dev/full',
    });
    await full.start();
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await full.status()).box).toBe('full');
    expect(await full.stop()).toBe(0);
  });

  test('never logs its password', () => {
    expect(pg1.log()).not.toContain('agent-secret');
    expect(pg1.log()).toContain('serving as primary');
  });
});
