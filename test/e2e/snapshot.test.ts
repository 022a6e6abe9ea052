import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { labFiles, labSettings } from '../../lab/index.js';
import { findBinaries } from '../../common/runtime/binaries.js';
import { fileOf, realSite } from '../provision/sites.js';
import { AgentProcess, buildAgent } from '../support/agent-process.js';
import { get, TestLab } from '../support/lab.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

/**
 * An old snapshot of Consul is restored, one from before any service was registered. The lab has no dnsmasq, so an agent beside it
 * keeps the list that dnsmasq reads on adm1, by the template of the real box.
 */

const lab = new TestLab();
const folder = mkdtempSync(join(tmpdir(), 'hotspare-snapshot-'));
const path = (name: string) => join(folder, name);
const list = () => readFileSync(path('dns-hosts'), 'utf8');
let built: Awaited<ReturnType<typeof buildAgent>>;
let dns: AgentProcess;
let consulUrl = '';
let urls: readonly string[] = [];
/** The agent that does nothing for a while. */
let frozen: number | undefined;

function thaw(): void {
  if (frozen !== undefined) process.kill(frozen, 'SIGCONT');
  frozen = undefined;
}

beforeAll(async () => {
  const status = lab.status();
  consulUrl = status.urls.consul.replace('/ui', '');
  urls = status.urls.todo;
  await lab.waitForMode('read-write', eventuallyMs);
  built = await buildAgent();
  writeFileSync(path('dns-hosts.hbs'), fileOf(realSite, 'adm1', 'dns-hosts.hbs').content);
  dns = await AgentProcess.prepare({
    program: built.file,
    folder,
    box: 'dns-box',
    consulUrl,
    more: `services: []
templates:
  - source: ${path('dns-hosts.hbs')}
    destination: ${path('dns-hosts')}
    format: hosts
    command: [/bin/sh, -c, "cat ${path('dns-hosts')} >> ${path('told')}"]
`,
  });
  await dns.start();
  await waitFor('both balancers in the list', eventuallyMs, () => listed() === 2);
});
afterAll(async () => {
  await dns?.destroy();
  built?.destroy();
  rmSync(folder, { recursive: true, force: true });
  thaw();
  await lab.command('start', 'agent@all');
  await lab.waitForMode('read-write', eventuallyMs);
});

function listed(): number {
  try {
    return list()
      .split('\n')
      .filter((line) => line.endsWith(realSite.topology.dns.name)).length;
  } catch {
    return 0;
  }
}

/** How many instances the catalogue holds as passing, of all services. */
async function healthy(): Promise<number> {
  const counts = await Promise.all(
    ['pg', 'nginx', 'todomvc'].map(async (name) => {
      const { body } = await get(`${consulUrl}/v1/health/service/${name}?passing`);
      return (JSON.parse(body) as unknown[]).length;
    }),
  );
  return counts.reduce((sum, count) => sum + count, 0);
}

/** By the Consul agent of each box, which would else put them back. */
async function deregisterAll(token: string): Promise<void> {
  for (const service of ['pg', 'nginx', 'todomvc']) {
    const { body } = await get(`${consulUrl}/v1/health/service/${service}`);
    for (const { Node, Service } of JSON.parse(body) as {
      Node: { Address: string };
      Service: { ID: string };
    }[]) {
      const url = new URL(consulUrl);
      url.hostname = Node.Address;
      const answer = await fetch(new URL(`/v1/agent/service/deregister/${Service.ID}`, url), {
        method: 'PUT',
        headers: { 'x-consul-token': token },
      });
      expect(answer.status).toBe(200);
    }
  }
}

test('the list for DNS and both balancers stay as they were, and all services come back', async () => {
  const { directory } = labSettings({ ...process.env, ...lab.environment }, process.getuid?.() === 0);
  const token = readFileSync(labFiles(directory).managementToken, 'utf8').trim();
  const snapshot = (what: 'save' | 'restore') =>
    execFileSync(findBinaries().consul!, ['snapshot', what, `-http-addr=${consulUrl}`, path('snapshot')], {
      stdio: 'pipe',
      env: { ...process.env, CONSUL_HTTP_TOKEN: token },
    });
  await lab.command('stop', 'agent@all');
  // A stopped agent leaves its services in the catalogue, and then they are there and critical.
  await deregisterAll(token);
  await waitFor('an empty catalogue', eventuallyMs, async () => (await healthy()) === 0);
  snapshot('save');
  await lab.command('start', 'agent@all');
  await waitFor('all services', eventuallyMs, async () => (await healthy()) === 6);
  await lab.waitForMode('read-write', eventuallyMs);
  await waitFor('both balancers in the list', eventuallyMs, () => listed() === 2);
  const before = list();
  frozen = lab.pid('agent@nginx1');
  const toldBefore = readFileSync(path('told'), 'utf8');

  // What its box runs is missing for as long as this agent does nothing; the others put theirs back within milliseconds.
  process.kill(frozen, 'SIGSTOP');
  snapshot('restore');
  const restoredMs = performance.now();
  const failed: string[] = [];
  const lists = new Set<string>();
  let wholeMs: number | undefined;
  let fewest = 6;
  // Longer than a watch may be deaf, and than an absence is doubted.
  while (performance.now() - restoredMs < 20_000) {
    // Well before Consul calls its check critical, which would be a reason.
    if (performance.now() - restoredMs > 3_000) thaw();
    for (const url of urls) {
      const { status } = await get(`${url}todos`);
      if (status !== 200) failed.push(`${url} ${status}`);
    }
    const count = await healthy();
    fewest = Math.min(fewest, count);
    if (count === 6) wholeMs ??= performance.now() - restoredMs;
    lists.add(list());
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // Consul does not end every question when a snapshot is restored; then there was nothing to doubt.
  const heard = dns.log().includes("is missing in Consul's catalogue; it stays listed");
  console.log(
    `snapshot restored: ${fewest} of 6 services were left, all were back after ${wholeMs?.toFixed(0)} ms; the list's agent ${heard ? 'heard and doubted it' : 'did not hear of it'}`,
  );
  expect(failed).toEqual([]);
  expect([...lists]).toEqual([before]);
  expect(fewest).toBeLessThanOrEqual(4);
  expect(readFileSync(path('told'), 'utf8')).toBe(toldBefore);
  await waitFor('all services', eventuallyMs, async () => (await healthy()) === 6);
});
