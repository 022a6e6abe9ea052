import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findBinaries } from '../../../common/runtime/machine/binaries.js';
import { leaseOf } from '../../../agent/consul/lease/lease.js';
import { ConsulConnection } from '../../../common/consul/connection.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { LostManagementToken, setUpAcl, waitForLeader } from '../../../provision/consul/set-up.js';
import { parseTopology } from '../../../provision/topology/topology.js';
import type { LabSite } from '../../../provision/site/site.js';
import { fileOf, labSite } from '../../provision/sites.js';
import { Child } from '../../support/child.js';
import { eventuallyMs } from '../../support/patience.js';
import { applied, firstHolder, opened, policy, recordOf, rejoin, seen } from '../lease/builders.js';

/** One real Consul server, with the configuration that is rendered for a box, and its access control. */

const folder = mkdtempSync(join(tmpdir(), 'hotspare-acl-'));
const data = join(folder, 'consul');
const managementTokenFile = join(folder, 'management.token');
const topology = parseTopology('t', {
  ...(JSON.parse(readFileSync('vagrant/topology.json', 'utf8')) as object),
  groups: [
    { name: 'pg', count: 1, firstHost: 11, consulServers: 1, services: ['pg'] },
    { name: 'web', count: 1, firstHost: 21, consulServers: 0, services: ['todomvc'] },
  ],
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
  expect(await register(tokens.agent, 'todomvc')).toBe(200);
  expect(await register(tokens.agent, 'pg')).toBe(403);
  expect(await register(tokens.agent, 'other')).toBe(403);
  expect(await register(tokens.memberAgent, 'pg')).toBe(200);
  expect(await register(tokens.memberAgent, 'todomvc')).toBe(403);
  expect(await call('PUT', '/v1/kv/secret', tokens.agent, {})).toBe(403);
  expect(await register(tokens.node, 'pg')).toBe(403);
});

/** What an agent with that token can do on the box of pg. */
function leaseWith(secret: string) {
  const connection = new ConsulConnection({ url, clock: systemClock, token: () => secret });
  return leaseOf({
    connection,
    name: 'Consul',
    service: 'pg',
    serviceId: 'pg',
    deadlineMs: 2_000,
    clock: systemClock,
    random: systemRandom,
  });
}

const event = { kind: 'promoted', member: 'pg1', epoch: 1, rule: 'L3', cause: 'the first' } as const;

test('the token of a member takes the lease, writes record and events, and ends sessions of members', async () => {
  const { lease, events } = leaseWith(tokens.memberAgent);
  expect(await register(tokens.memberAgent, 'pg')).toBe(200);
  const { by, was } = await firstHolder(lease, 'pg1');
  applied(await lease.write({ kind: 'setPolicy', was, policy }));
  events.append(event);
  await events.flushed(AbortSignal.timeout(eventuallyMs));
  expect(events.pending).toBe(0);
  events.close();
  expect(await lease.destroySession(by.session)).toEqual({ kind: 'done' });
});

test('the token of a web box takes no lease and writes nothing of the members', async () => {
  const member = leaseWith(tokens.memberAgent).lease;
  const by = { member: 'pg1', session: await opened(member) };
  const was = applied(await member.write({ kind: 'acquire', was: await seen(member), by }));
  const { lease, events } = leaseWith(tokens.agent);
  const refused = { kind: 'refused', why: expect.stringMatching(/./) as string };
  expect(await lease.openSession(undefined)).toMatchObject(refused);
  expect(await lease.destroySession(by.session)).toMatchObject(refused);
  expect(await lease.read()).toMatchObject(refused);
  // Even with what it may have heard from a member.
  for (const transaction of [
    { kind: 'confirm', was, by },
    { kind: 'release', was, by, released: { fenced: true } },
    { kind: 'record', was, by, record: recordOf(1, 'pg1') },
    { kind: 'setPolicy', was, policy },
    { kind: 'placeOrder', was, order: rejoin('x') },
  ] as const)
    expect([transaction.kind, await lease.write(transaction)]).toMatchObject([transaction.kind, refused]);
  expect(await events.list()).toMatchObject(refused);
  for (const key of ['leader', 'record', 'epoch', 'policy', 'order', 'events/1'])
    expect(await call('PUT', `/v1/kv/hotspare/pg/${key}`, tokens.agent, {})).toBe(403);
  for (const Node of ['pg1', 'web1'])
    expect(await call('PUT', '/v1/session/create', tokens.agent, { Node })).toBe(403);
  for (const token of [tokens.app, tokens.node, undefined])
    expect(await call('PUT', '/v1/kv/hotspare/pg/leader', token, {})).toBe(403);
  // Nor the member what is not of its service.
  expect(await call('PUT', '/v1/kv/hotspare/redis/leader', tokens.memberAgent, {})).toBe(403);
  expect(await call('PUT', '/v1/session/create', tokens.memberAgent, { Node: 'web1' })).toBe(403);
  expect(await seen(member)).toEqual(was);
  events.close();
});

test('again, and after a restart: the same token, nothing made anew', async () => {
  const before = managementToken();
  await apply();
  await stop();
  await start();
  await apply();
  expect(managementToken()).toBe(before);
  expect(await register(tokens.memberAgent, 'pg')).toBe(200);
});

test('a server that was away for a while keeps its vote, in a cluster that was made otherwise, too', async () => {
  const path = '/v1/operator/autopilot/configuration';
  const token = managementToken().trim();
  const read = async () => {
    const answer = await fetch(`${url}${path}`, { headers: { 'X-Consul-Token': token } });
    return (await answer.json()) as { CleanupDeadServers: boolean; MaxTrailingLogs: number };
  };
  expect(await read()).toMatchObject({ CleanupDeadServers: false });
  expect(
    await call('PUT', path, token, { ...(await read()), CleanupDeadServers: true, MaxTrailingLogs: 300 }),
  ).toBe(200);
  rmSync(`${managementTokenFile}.applied`);
  await apply();
  expect(await read()).toMatchObject({ CleanupDeadServers: false, MaxTrailingLogs: 300 });
});

test('a Consul made anew is set up from the start, though the same was applied to the one before', async () => {
  const before = managementToken();
  expect(existsSync(`${managementTokenFile}.applied`)).toBe(true);
  await stop();
  rmSync(data, { recursive: true });
  await start();
  expect(await register(tokens.memberAgent, 'pg')).toBe(403);
  await apply();
  expect(managementToken()).not.toBe(before);
  expect(await register(tokens.memberAgent, 'pg')).toBe(200);
  expect(await call('GET', '/v1/kv/secret')).toBe(403);
});

test('without the management token of a Consul that was set up, it says so', async () => {
  rmSync(managementTokenFile);
  await expect(apply()).rejects.toThrow(LostManagementToken);
});
