import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest';
import { serveAgent } from '../../agent/http/server.js';
import { agentStatus } from '../../agent/shell/status.js';
import { UnitControl } from '../../agent/shell/unit-control.js';
import { main } from '../../cli/main.js';
import type { Io } from '../../cli/io.js';
import { Secret } from '../../common/secret.js';
import { systemClock } from '../../common/runtime/clock.js';
import { labFiles } from '../../lab/index.js';
import { FakeUnits } from '../fakes/fake-units.js';
import { noFailover } from '../fakes/no-failover.js';
import { keptLog } from '../fakes/kept-log.js';
import { kept } from '../support/agent/kept.js';
import { freePorts } from '../support/ports.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-service-'));
const secretFile = join(folder, 'http.secret');
writeFileSync(secretFile, 'correct-horse-battery\n');
writeFileSync(join(folder, 'empty'), '\n');
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const open: { close(): unknown }[] = [];
let units: FakeUnits;
let consulUrl: string;
let agentUrl: string;

/** A box nginx1 whose agent has todomvc with a unit and pg without one, and a Consul that lists both there. */
beforeEach(async () => {
  const [port] = (await freePorts(1)) as [number];
  units = new FakeUnits();
  agentUrl = `http://127.0.0.1:${port}`;
  open.push(await agentAt(port, { secret: new Secret('correct-horse-battery') }));
  consulUrl = await answering((request, response) => {
    const service = request.url!.split('/').at(-1)!;
    const entry = {
      Node: { Node: 'nginx1', Address: '127.0.0.1' },
      Service: {
        ID: service,
        Address: '127.0.0.1',
        Port: 1,
        Tags: [],
        Meta: { 'hotspare-box': 'nginx1', 'hotspare-agent': agentUrl },
      },
      Checks: [],
    };
    const listed = ['todomvc', 'pg', 'gone'].includes(service);
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(listed ? [entry] : []));
  });
});
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

const services = [{ name: 'todomvc', unit: 'todomvc.service' }, { name: 'pg' }];

function agentAt(
  port: number,
  { secret }: { secret?: Secret },
  control = new UnitControl({ services, manager: units, clock: systemClock, log: keptLog() }),
) {
  const link = { kind: 'reachable', sinceMs: 0 } as const;
  const status = () =>
    agentStatus({ box: 'nginx1', version: '1', startedMs: 0, services: [], link, complaint: undefined });
  return serveAgent(
    { host: '127.0.0.1', port },
    {
      status,
      control,
      failover: noFailover,
      leave: async () => ({ kind: 'done', left: ['pg'] }),
      secret: secret && kept(secret),
    },
  );
}

async function answering(listener: RequestListener): Promise<string> {
  const [port] = (await freePorts(1)) as [number];
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  open.push({ close: () => (server.closeAllConnections(), server.close()) });
  return `http://127.0.0.1:${port}`;
}

async function hotspare(args: readonly string[], environment: Record<string, string | undefined> = {}) {
  let out = '';
  let err = '';
  const io: Io = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    stderr: process.stderr,
    environment: {
      HOME: folder,
      XDG_STATE_HOME: folder,
      CONSUL_HTTP_ADDR: consulUrl,
      HOTSPARE_SECRET_FILE: secretFile,
      ...environment,
    },
    isRoot: false,
    isTerminal: false,
    stop: new AbortController().signal,
  };
  const code = await main(['service', ...args], io);
  return { code, out, err };
}

test('finds the agent in Consul, has it done, and says what the unit is then', async () => {
  expect(await hotspare(['start', 'todomvc@nginx1'])).toEqual({
    code: 0,
    out: 'todomvc on nginx1: running (todomvc.service)\n',
    err: '',
  });
  const json = await hotspare(['stop', 'todomvc@nginx1', '-o', 'json']);
  expect(json.code).toBe(0);
  expect(JSON.parse(json.out)).toEqual({
    box: 'nginx1',
    service: 'todomvc',
    unit: 'todomvc.service',
    action: 'stop',
    state: 'stopped',
  });
  expect(units.calls.filter((call) => !call.startsWith('status'))).toEqual([
    'start todomvc.service',
    'stop todomvc.service',
  ]);
});

test('the agent can be named when Consul is away', async () => {
  const [closed] = (await freePorts(1)) as [number];
  const away = { CONSUL_HTTP_ADDR: `127.0.0.1:${closed}` };
  expect(await hotspare(['stop', 'todomvc@nginx1'], away)).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /cannot be read: connection refused\. Name the agent itself: --agent/,
    ) as string,
  });
  expect((await hotspare(['stop', 'todomvc@nginx1', '--agent', agentUrl], away)).code).toBe(0);
});

test('a unit that is not what it was to be is a failure', async () => {
  units.start = async () => {};
  expect(await hotspare(['start', 'todomvc@nginx1'])).toEqual({
    code: 1,
    out: 'todomvc on nginx1: stopped (todomvc.service)\n',
    err: 'hotspare: todomvc.service was told to start and is stopped: "journalctl -u todomvc.service" on nginx1 tells why\n',
  });
});

const refusals: readonly [what: string, args: string[], Record<string, string>, code: number, err: RegExp][] =
  [
    ['no name of a box', ['stop', 'todomvc'], {}, 2, /"todomvc" is no SERVICE@BOX; expected one like/],
    ['a box that has it not', ['stop', 'todomvc@nginx9'], {}, 1, /no todomvc on nginx9; it is on nginx1/],
    ['a service nobody has', ['stop', 'redis@nginx1'], {}, 1, /no redis on nginx1; it lists none anywhere/],
    [
      'one the agent has not',
      ['stop', 'gone@nginx1'],
      {},
      1,
      /gone@nginx1: this box has no service gone; it has todomvc, pg/,
    ],
    [
      'one without a unit',
      ['restart', 'pg@nginx1'],
      {},
      1,
      /pg has no unit here.*hotspare lab stop pg@nginx1 && hotspare lab start pg@nginx1/,
    ],
    [
      'no secret',
      ['stop', 'todomvc@nginx1'],
      { HOTSPARE_SECRET_FILE: '/nowhere' },
      2,
      /\/nowhere: there is no such file; .*--secret-file/,
    ],
    [
      'an empty one',
      ['stop', 'todomvc@nginx1', '--secret-file', join(folder, 'empty')],
      {},
      2,
      /holds no secret/,
    ],
  ];

test.each(refusals)('%s: a sentence', async (_, args, environment, code, err) => {
  const ended = await hotspare(args, environment);
  expect(ended).toMatchObject({ code, out: '' });
  expect(ended.err).toMatch(err);
  expect(ended.err).not.toContain('horse');
  expect(units.calls).toEqual([]);
});

test('a wrong secret, and an agent without one', async () => {
  const other = join(folder, 'other');
  writeFileSync(other, 'some-other-secret-of-old\n');
  const wrong = await hotspare(['stop', 'todomvc@nginx1', '--secret-file', other]);
  expect(wrong).toMatchObject({ code: 2, out: '' });
  expect(wrong.err).toContain(`the agent of nginx1 refuses the secret in ${other}`);
  const [port] = (await freePorts(1)) as [number];
  open.push(await agentAt(port, {}));
  const none = await hotspare(['stop', 'todomvc@nginx1', '--agent', `127.0.0.1:${port}`]);
  expect(none.code).toBe(2);
  expect(none.err).toMatch(/set http.secretFile.*Is this a lab\? There: hotspare lab stop todomvc@nginx1/);
});

test('systemd’s refusal is passed on', async () => {
  units.fail('refused', 'systemd does not let this user do that');
  expect(await hotspare(['stop', 'todomvc@nginx1'])).toMatchObject({
    code: 1,
    err: 'hotspare: todomvc@nginx1: systemd does not let this user do that\n',
  });
});

test('the secret is sent to nobody but that box’s agent', async () => {
  const seen: string[] = [];
  const stranger = await answering((request, response) => {
    seen.push(`${request.headers.authorization}`);
    response.end('{"hello":1}');
  });
  const ended = await hotspare(['stop', 'todomvc@nginx1', '--agent', stranger]);
  expect(ended.code).toBe(1);
  expect(ended.err).toMatch(/nginx1 cannot be told: its agent at .* does not answer/);
  const wrongBox = await hotspare(['stop', 'todomvc@nginx2', '--agent', agentUrl]);
  expect(wrongBox.err).toMatch(/the agent at .* is that of nginx1, not of nginx2/);
  expect(seen).toEqual(['undefined']);
});

test('where a lab is on this machine, it is asked, with its own secret', async () => {
  const lab = join(folder, 'lab');
  const { secrets } = labFiles(lab);
  mkdirSync(dirname(secrets), { recursive: true });
  writeFileSync(secrets, '{}');
  const inLab = {
    CONSUL_HTTP_ADDR: undefined,
    HOTSPARE_SECRET_FILE: undefined,
    HOTSPARE_LAB_DIR: lab,
    HOTSPARE_TOPOLOGY: join(process.cwd(), 'vagrant', 'topology.json'),
    // Another offset than any that runs here.
    HOTSPARE_PORT_OFFSET: '7777',
  };
  const none = await hotspare(['restart', 'todomvc@nginx1'], inLab);
  const secret = join(lab, 'nginx1', 'etc', 'http.secret');
  expect(none).toMatchObject({ code: 2, out: '' });
  expect(none.err).toContain(`${secret}: there is no such file`);
  mkdirSync(dirname(secret), { recursive: true });
  writeFileSync(secret, 'correct-horse-battery\n');
  const down = await hotspare(['restart', 'todomvc@nginx1'], inLab);
  expect(down).toMatchObject({ code: 1, out: '' });
  expect(down.err).toMatch(/Consul at http:\/\/127\.0\.11\.\d+:16277 cannot be read: connection refused/);
});

test('a program of a lab that is not what it was to be: its log is named', async () => {
  units.start = async () => {};
  const [port] = (await freePorts(1)) as [number];
  const services = [{ name: 'todomvc', unit: 'todomvc@nginx1' }];
  const control = new UnitControl({ services, manager: units, clock: systemClock, log: keptLog() });
  open.push(await agentAt(port, { secret: new Secret('correct-horse-battery') }, control));
  const ended = await hotspare(['start', 'todomvc@nginx1', '--agent', `127.0.0.1:${port}`]);
  expect(ended).toMatchObject({
    code: 1,
    err: 'hotspare: todomvc@nginx1 was told to start and is stopped: "hotspare lab logs todomvc@nginx1" tells why\n',
  });
});

test('an agent that is gone', async () => {
  const [closed] = (await freePorts(1)) as [number];
  const ended = await hotspare(['stop', 'todomvc@nginx1', '--agent', `http://127.0.0.1:${closed}`]);
  expect(ended).toMatchObject({ code: 1, out: '' });
  expect(ended.err).toMatch(/nginx1 cannot be told: .*connection refused.*systemctl/);
});
