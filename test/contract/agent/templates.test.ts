import { execFileSync } from 'node:child_process';
import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '../../../common/runtime/machine/binaries.js';
import { agentFolder } from '../../support/agent/agent-role.js';
import { AgentProcess, buildAgent } from '../../support/agent/agent-process.js';
import { startConsul, type RealConsul } from '../../support/consul.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { fetchAnew } from '../../support/fetch-anew.js';

/** An agent that runs two web apps' checks and renders the list of them, as a balancer's box does. */

let consul: RealConsul;
let built: Awaited<ReturnType<typeof buildAgent>>;
let files: ReturnType<typeof agentFolder>;
let agent: AgentProcess;
let webs: { server: Server; port: number; healthy: boolean }[];

const path = (name: string) => join(files.folder, name);
const content = () => (existsSync(path('list')) ? readFileSync(path('list'), 'utf8') : undefined);
/** What the list was at each run of the command, in one line. */
const seen = () =>
  existsSync(path('ran')) ? readFileSync(path('ran'), 'utf8').split('\n').slice(0, -1) : [];
const runs = () => seen().length;
const line = (...indexes: number[]) =>
  indexes
    .map((index) => webs[index]!)
    .map(({ port }) => `127.0.0.1:${port}\n`)
    .join('');

/** How many of the two the catalogue holds as passing. */
async function listed(): Promise<number> {
  const answers = await Promise.all(
    ['web-a', 'web-b'].map((name) => fetchAnew(`${consul.httpUrl}/v1/health/service/${name}?passing`)),
  );
  const lists = await Promise.all(answers.map((answer) => answer.json() as Promise<unknown[]>));
  return lists.flat().length;
}

async function web(): Promise<{ server: Server; port: number; healthy: boolean }> {
  const server = createServer((_, response) => response.writeHead(one.healthy ? 200 : 503).end());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const one = { server, port: (server.address() as { port: number }).port, healthy: true };
  return one;
}

beforeAll(async () => {
  files = agentFolder();
  [consul, built] = await Promise.all([startConsul(), buildAgent()]);
  webs = [await web(), await web()].sort((a, b) => a.port - b.port);
  writeFileSync(
    path('list.hbs'),
    `{{#each (service "web-a")}}{{address}}:{{port}}\n{{/each}}{{#each (service "web-b")}}{{address}}:{{port}}\n{{/each}}`,
  );
  agent = await AgentProcess.prepare({
    program: built.file,
    folder: files.folder,
    box: 'nginx1',
    consulUrl: consul.httpUrl,
    more: `services:
  - { name: web-a, kind: http, port: ${webs[0]!.port}, probe: { intervalMs: 500, timeoutMs: 500 } }
  - { name: web-b, kind: http, port: ${webs[1]!.port}, probe: { intervalMs: 500, timeoutMs: 500 } }
templates:
  - source: ${path('list.hbs')}
    destination: ${path('list')}
    command: [/bin/sh, -c, "{ tr '\\\\n' ' ' < ${path('list')}; echo; } >> ${path('ran')}; test ! -e ${path('fails')}"]
`,
  });
  await agent.start();
  await waitFor('both in the list', eventuallyMs, () => content() === line(0, 1));
});
afterAll(async () => {
  await agent?.destroy();
  for (const { server } of webs ?? []) {
    server.close();
    server.closeAllConnections();
  }
  await consul?.destroy();
  built?.destroy();
  files?.destroy();
});

test('who fails goes, who is back comes, one command each', async () => {
  const oneLine = (...indexes: number[]) => line(...indexes).replaceAll('\n', ' ');
  await waitFor('the command for both', eventuallyMs, () => seen().at(-1) === oneLine(0, 1));
  const before = runs();
  webs[0]!.healthy = false;
  await waitFor('the command without it', eventuallyMs, () => seen().at(-1) === oneLine(1));
  webs[0]!.healthy = true;
  await waitFor('the command with it', eventuallyMs, () => seen().at(-1) === oneLine(0, 1));
  expect(seen().slice(before)).toEqual([oneLine(1), oneLine(0, 1)]);
});

test('Consul restarts: the list stays, and no command runs', async () => {
  const before = runs();
  await consul.stop();
  await waitFor('the agent to notice', eventuallyMs, async () => !(await agent.status()).consul.reachable);
  expect(content()).toBe(line(0, 1));
  await consul.start();
  await waitFor('the agent to be back', eventuallyMs, async () => (await agent.status()).consul.reachable);
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  expect([content(), runs()]).toEqual([line(0, 1), before]);
});

test('the agent restarts while Consul is away: the file on disk is used as it is', async () => {
  const before = runs();
  await consul.stop();
  expect(await agent.stop()).toBe(0);
  await agent.start();
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect([content(), runs()]).toEqual([line(0, 1), before]);
  await consul.start();
  await waitFor('the agent to be back', eventuallyMs, async () => (await agent.status()).consul.reachable);
  await waitFor('the list as it was', eventuallyMs, () => content() === line(0, 1));
});

test('an old snapshot of Consul is restored: the list stays, and the services come back', async () => {
  const oneLine = line(0, 1).replaceAll('\n', ' ');
  const binary = findBinaries().consul!;
  const snapshot = (what: 'save' | 'restore') =>
    execFileSync(binary, ['snapshot', what, `-http-addr=${consul.httpUrl}`, path('snapshot')], {
      stdio: 'pipe',
    });
  expect(await agent.stop()).toBe(0);
  snapshot('save');
  await agent.start();
  await waitFor('both in the catalogue', eventuallyMs, async () => (await listed()) === 2);
  await waitFor('both in the list', eventuallyMs, () => content() === line(0, 1));
  const before = runs();
  snapshot('restore');
  const restoredMs = performance.now();
  await waitFor('both in the catalogue again', eventuallyMs, async () => (await listed()) === 2);
  console.log(`snapshot restored: whole again after ${(performance.now() - restoredMs).toFixed(0)} ms`);
  expect(
    seen()
      .slice(before)
      .filter((list) => list !== oneLine),
  ).toEqual([]);
  expect(content()).toBe(line(0, 1));
});

test('the catalogue lacks what Consul’s agent holds: it is registered anew at once, and the list stays', async () => {
  const before = runs();
  const body = JSON.stringify({ Node: 'test', ServiceID: 'web-a@nginx1' });
  const lostMs = performance.now();
  await fetchAnew(`${consul.httpUrl}/v1/catalog/deregister`, { method: 'PUT', body });
  // Consul's own agent looks about once a minute.
  await waitFor('the agent to notice', eventuallyMs, () =>
    agent.log().includes("the catalogue of Consul's servers lacks it"),
  );
  await waitFor('both in the catalogue again', eventuallyMs, async () => (await listed()) === 2);
  console.log(`lost from the catalogue: whole again after ${(performance.now() - lostMs).toFixed(0)} ms`);
  expect([content(), runs()]).toEqual([line(0, 1), before]);
});

test('a command that fails: the text before it is back, the status says why, and the new one follows', async () => {
  writeFileSync(path('fails'), '');
  const before = runs();
  webs[1]!.healthy = false;
  await waitFor('tries with the new text and the old', eventuallyMs, () => runs() >= before + 2);
  await waitFor('the status', eventuallyMs, async () => {
    const [template] = (await agent.status()).templates ?? [];
    return (
      template?.state === 'failing' &&
      template.detail?.includes(
        'ended with status 1; the last text that worked was put back, and the command fails with it too',
      )
    );
  });
  expect(content()).toBe(line(0, 1));
  rmSync(path('fails'));
  await waitFor('the new text', eventuallyMs, () => content() === line(0));
  await waitFor('the status', eventuallyMs, async () => {
    const [template] = (await agent.status()).templates ?? [];
    return template?.state === 'current';
  });
  webs[1]!.healthy = true;
});

test('a second agent under the same name: the last to start keeps the box, and both say so', async () => {
  const more = `services:
  - { name: web-c, kind: http, port: ${webs[0]!.port}, probe: { intervalMs: 500, timeoutMs: 500 } }
`;
  const second = await AgentProcess.prepare({
    program: built.file,
    folder: path('second'),
    box: 'nginx1',
    consulUrl: consul.httpUrl,
    more,
  });
  const detail = async (of: AgentProcess) => (await of.status()).consul.detail ?? '';
  const names = async () =>
    Object.keys((await (await fetchAnew(`${consul.httpUrl}/v1/agent/services`)).json()) as object);
  try {
    // Killed and started again it is itself.
    agent.kill();
    await agent.start();
    await waitFor('both in the catalogue', eventuallyMs, async () => (await listed()) === 2);
    expect(await detail(agent)).toBe('');
    await second.start();
    await waitFor('the first to give way', eventuallyMs, async () =>
      (await detail(agent)).includes(`at ${second.statusUrl}`),
    );
    expect(await detail(agent)).toContain('no longer changes anything in Consul until you restart it');
    await waitFor('only the second’s', eventuallyMs, async () => (await names()).join() === 'web-c@nginx1');
    // The first, started again, is the last.
    expect(await agent.stop()).toBe(0);
    expect(await names()).toEqual(['web-c@nginx1']);
    await agent.start();
    await waitFor('the second to give way', eventuallyMs, async () =>
      (await detail(second)).includes(`at ${agent.statusUrl}`),
    );
    await waitFor(
      'only the first’s',
      eventuallyMs,
      async () => (await names()).sort().join() === 'web-a@nginx1,web-b@nginx1',
    );
  } finally {
    await second.destroy();
  }
});
