import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '../../common/runtime/binaries.js';
import { systemClock } from '../../common/runtime/clock.js';
import { LostManagementToken, setUpAcl, waitForLeader } from '../../provision/consul/set-up.js';
import { parseTopology } from '../../provision/topology/topology.js';
import type { LabSite } from '../../provision/site/site.js';
import { fileOf, labSite } from '../provision/sites.js';
import { Child } from '../support/child.js';

/** One real Consul server, with the configuration that is rendered for a box, and its access control. */

const folder = mkdtempSync(join(tmpdir(), 'hotspare-acl-'));
const data = join(folder, 'consul');
const managementTokenFile = join(folder, 'management.token');
const topology = parseTopology('t', {
  ...(JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as object),
  groups: [{ name: 'pg', count: 1, firstHost: 11, consulServers: 1, services: ['pg'] }],
  dns: { box: 'pg1', name: 'todo.hotspare.test' },
});
const site: LabSite = {
  ...labSite,
  topology,
  // Loopback addresses of this process alone.
  subnet: `127.${100 + (process.pid % 100)}.${(process.pid >> 7) % 250}`,
  portOffset: 0,
  pathsOf: (box) => ({ ...labSite.pathsOf(box), consulData: data }),
};
const url = `http://${site.subnet}.11:8500`;
const { tokens } = site.secrets;
let consul: Child;

async function start(): Promise<void> {
  mkdirSync(data, { recursive: true });
  const config = join(folder, 'consul.json');
  writeFileSync(config, fileOf(site, 'pg1', 'consul.json').content, { mode: 0o600 });
  consul = Child.start(findBinaries().consul!, ['agent', `-config-file=${config}`], join(folder, 'log'));
  await waitForLeader({ servers: [url], clock: systemClock, signal: new AbortController().signal });
}

async function stop(): Promise<void> {
  consul.signal('SIGTERM');
  await consul.ended();
}

const apply = () =>
  setUpAcl({
    topology,
    secrets: site.secrets,
    servers: [url],
    managementTokenFile,
    clock: systemClock,
    signal: new AbortController().signal,
  });

async function call(method: 'GET' | 'PUT', path: string, token?: string, body?: object): Promise<number> {
  const response = await fetch(`${url}${path}`, {
    method,
    headers: token === undefined ? {} : { 'X-Consul-Token': token },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  await response.arrayBuffer();
  return response.status;
}
const register = (token: string | undefined, Name: string) =>
  call('PUT', '/v1/agent/service/register', token, { Name, Port: 5432 });
const managementToken = () => readFileSync(managementTokenFile, 'utf8');

beforeAll(start);
afterAll(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

test('one token a purpose; what is not needed is refused', async () => {
  await apply();
  expect(await call('GET', '/v1/catalog/nodes')).toBe(200);
  expect(await call('GET', '/v1/health/service/pg')).toBe(200);
  expect(await call('GET', '/v1/kv/secret')).toBe(403);
  expect(await call('PUT', '/v1/kv/secret', undefined, {})).toBe(403);
  expect(await register(undefined, 'pg')).toBe(403);
  expect(await call('GET', '/v1/health/service/pg', tokens.app)).toBe(200);
  expect(await register(tokens.app, 'pg')).toBe(403);
  expect(await register(tokens.agent, 'pg')).toBe(200);
  expect(await register(tokens.agent, 'other')).toBe(403);
  expect(await call('PUT', '/v1/kv/secret', tokens.agent, {})).toBe(403);
  expect(await register(tokens.node, 'pg')).toBe(403);
});

test('again, and after a restart: the same token, nothing made anew', async () => {
  const before = managementToken();
  await apply();
  await stop();
  await start();
  await apply();
  expect(managementToken()).toBe(before);
  expect(await register(tokens.agent, 'pg')).toBe(200);
});

test('a Consul made anew is set up from the start, though the same was applied to the one before', async () => {
  const before = managementToken();
  expect(existsSync(`${managementTokenFile}.applied`)).toBe(true);
  await stop();
  rmSync(data, { recursive: true });
  await start();
  expect(await register(tokens.agent, 'pg')).toBe(403);
  await apply();
  expect(managementToken()).not.toBe(before);
  expect(await register(tokens.agent, 'pg')).toBe(200);
  expect(await call('GET', '/v1/kv/secret')).toBe(403);
});

test('without the management token of a Consul that was set up, it says so', async () => {
  rmSync(managementTokenFile);
  await expect(apply()).rejects.toThrow(LostManagementToken);
});
