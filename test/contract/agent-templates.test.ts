import { createServer, type Server } from 'node:http';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { agentFolder } from '../support/agent-role.js';
import { AgentProcess, buildAgent } from '../support/agent-process.js';
import { startConsul, type RealConsul } from '../support/consul.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

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

test('a failing command is told and tried again', async () => {
  writeFileSync(path('fails'), '');
  const before = runs();
  webs[1]!.healthy = false;
  await waitFor('a second try', eventuallyMs, () => runs() >= before + 2);
  expect(content()).not.toContain(`:${webs[1]!.port}\n`);
  expect(agent.log()).toContain('ended with status 1; trying again');
  webs[1]!.healthy = true;
});
