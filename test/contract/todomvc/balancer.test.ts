import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { TemplateRunner } from '../../../agent/templates/runner.js';
import { Watches } from '../../../agent/templates/watches.js';
import { findBinaries } from '../../../common/runtime/machine/binaries.js';
import { systemClock, systemRandom } from '../../../common/runtime/clock.js';
import { filesOf } from '../../../provision/files/files.js';
import { makeSecrets } from '../../../provision/site/secrets.js';
import { labFacts, type LabSite } from '../../../provision/site/site.js';
import { loadTopology } from '../../../provision/topology/topology.js';
import { writeFiles } from '../../../provision/files/write.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { Child } from '../../support/child.js';
import { freePorts } from '../../support/ports.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { askRaw, startTestApp } from '../../todomvc/app-under-test.js';
import { FakeDatabase } from '../../todomvc/fake-database.js';

/** The load balancer as it is provisioned, a real nginx, before apps that are missing, hang, or answer by themselves. */

const { nginx } = findBinaries();
if (nginx === undefined) console.warn('SKIPPED: the load balancer, because nginx is not installed');

describe.skipIf(nginx === undefined)('nginx', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hotspare-nginx-'));
  const conf = join(folder, 'etc', 'nginx.conf');
  const state = join(folder, 'state');
  const servers: Server[] = [];
  let url = '';
  let child: Child | undefined;

  beforeAll(async () => {
    chmodSync(folder, 0o755);
    const [webPort] = (await freePorts(1, '127.0.0.21')) as [number];
    const topology = loadTopology('vagrant/topology.json');
    const site: LabSite = {
      ...labFacts,
      topology,
      subnet: '127.0.0',
      portOffset: 0,
      clientNetwork: '127.0.0.0/8',
      webPort,
      binaries: { consul: 'unused', nginx: nginx!, postgresBin: 'unused', postgresMajor: 15 },
      secrets: makeSecrets(),
      pathsOf: () => ({
        config: join(folder, 'etc'),
        consulData: 'unused',
        postgresData: 'unused',
        postgresConfig: 'unused',
        postgresSettings: 'unused',
        postgresMainConf: 'unused',
        postgresSockets: 'unused',
        keeperSettings: 'unused',
        keeperState: 'unused',
        keeperSocket: 'unused',
        nginxConf: join(folder, 'etc', 'nginx.conf'),
        upstreams: join(state, 'upstreams.conf'),
        nginxState: state,
        agentState: 'unused',
        appCache: 'unused',
      }),
      nginxUser: process.getuid?.() === 0 ? 'root' : undefined,
      accountName: 'unused',
      directory: 'unused',
      postgresAccount: undefined,
    };
    mkdirSync(state, { recursive: true });
    const box = topology.boxes.find(({ name }) => name === 'nginx1')!;
    writeFiles(filesOf(site, box, 'provision/templates'), undefined);
    url = `http://127.0.0.21:${webPort}`;
  });
  let agents = new AbortController();
  afterEach(async () => {
    agents.abort();
    agents = new AbortController();
    child?.signal('SIGTERM');
    await child?.ended();
    for (const server of servers.splice(0)) {
      server.close();
      server.closeAllConnections();
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function listen(app: Server): Promise<number> {
    servers.push(app);
    await new Promise<void>((resolve) => app.listen(0, '127.0.0.1', resolve));
    return (app.address() as { port: number }).port;
  }

  /** `app`: a server, or the port of one that runs. */
  async function start(app?: Server | number, readTimeout = '60s'): Promise<void> {
    if (app !== undefined) {
      const port = typeof app === 'number' ? app : await listen(app);
      const upstream = (name: string) => `upstream ${name} { server 127.0.0.1:${port} max_fails=0; }\n`;
      writeFileSync(
        join(state, 'upstreams.conf'),
        upstream('todomvc-round-robin') + upstream('todomvc-uri-hash'),
      );
    }
    writeFileSync(
      conf,
      readFileSync(conf, 'utf8').replace(/proxy_read_timeout \w+/, `proxy_read_timeout ${readTimeout}`),
    );
    child = Child.start(nginx!, ['-p', state, '-c', conf], join(folder, 'nginx.log'));
    await waitFor('nginx', eventuallyMs, async () => (await fetch(`${url}/-/nginx`)).ok);
  }

  /** The list of web apps as the agent keeps it, from a catalogue that holds these. Ends with the test. */
  async function agentKeeps(targets: Parameters<FakeConsul['setForeign']>[1], balance = 'round-robin') {
    // Both ways to balance, on the one location that is provisioned.
    writeFileSync(
      conf,
      readFileSync(conf, 'utf8').replaceAll(/todomvc-(round-robin|uri-hash);/g, `todomvc-${balance};`),
    );
    const consul = new FakeConsul();
    const source = readFileSync('provision/templates/upstreams.conf.hbs', 'utf8');
    const log = keptLog();
    const { signal } = agents;
    const watches = new Watches({ consul, clock: systemClock, log, signal });
    const runner = new TemplateRunner({
      template: {
        source: 'upstreams.conf.hbs',
        destination: join(state, 'upstreams.conf'),
        format: 'nginx',
        command: [nginx!, '-p', state, '-c', conf, '-s', 'reload'],
      },
      source,
      context: { box: 'nginx1', address: '127.0.0.21' },
      stateDir: join(folder, `agent-${servers.length}`),
      commandTimeoutMs: 10_000,
      watches,
      clock: systemClock,
      random: systemRandom,
      log,
      signal,
    });
    consul.setForeign('todomvc', targets);
    runner.start();
    const upstreams = () => readFileSync(join(state, 'upstreams.conf'), 'utf8');
    return { consul, runner, upstreams };
  }

  async function served(...names: string[]): Promise<number[]> {
    return Promise.all(
      names.map(async (name) => {
        const server = createServer((_, response) => response.end(name));
        servers.push(server);
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        return (server.address() as { port: number }).port;
      }),
    );
  }

  const ask = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(url + path, init);
    const { status, headers } = response;
    const type = headers.get('content-type');
    return { status, type, retryAfter: headers.get('retry-after'), text: await response.text() };
  };
  const html = { headers: { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' } };

  test('the configuration is valid', () => {
    execFileSync(nginx!, ['-t', '-q', '-p', state, '-c', conf], { stdio: 'pipe' });
  });

  test('no app: a page for people, problem+json for programs', async () => {
    await start();
    for (const answer of [
      await ask('/', html),
      await ask('/'),
      await ask('/?a=b'),
      await ask('/todos', html),
    ]) {
      expect(answer).toMatchObject({ status: 502, type: 'text/html', retryAfter: '5' });
      expect(answer.text).toContain('hotspare lab start todomvc@nginx1');
      expect(answer.text).toContain('http-equiv="refresh"');
    }
    const post = { method: 'POST', body: '{"title":"a"}', headers: { 'content-type': 'application/json' } };
    for (const answer of [await ask('/todos'), await ask('/todos', post), await ask('/events')]) {
      expect(answer).toMatchObject({ status: 502, type: 'application/problem+json', retryAfter: '5' });
      expect(JSON.parse(answer.text)).toMatchObject({
        type: 'urn:hotspare:problem:no-web-app',
        status: 502,
        detail: expect.stringContaining('nginx1') as string,
      });
    }
  });

  test('an app that hangs is not called missing', async () => {
    // Nobody waits 15 s for a test.
    await start(
      createServer(() => {}),
      '200ms',
    );
    const page = await ask('/', html);
    expect(page).toMatchObject({ status: 504, type: 'text/html', retryAfter: '5' });
    expect(page.text).toContain('does not answer');
    expect(page.text).not.toContain('No web app');
    const problem = await ask('/todos', { method: 'POST', body: '{}' });
    expect(problem).toMatchObject({ status: 504, type: 'application/problem+json', retryAfter: '5' });
    expect(JSON.parse(problem.text)).toMatchObject({
      type: 'urn:hotspare:problem:web-app-silent',
      status: 504,
    });
  });

  /** A whole answer to bytes as they are. */
  const askBytes = (bytes: string) => askRaw(Number(new URL(url).port), bytes, '127.0.0.21').closed;

  test('without a Host the app answers as when it is asked itself', async () => {
    const app = await startTestApp(new FakeDatabase());
    await start(app.port);
    const post = 'POST /todos HTTP/1.0\r\nContent-Type: application/json\r\nContent-Length: 13\r\n';
    const body = '\r\n{"title":"a"}';
    const itself = await askRaw(app.port, post + body).closed;
    expect(itself).toMatch(/^HTTP\/1\.1 201 /);
    const answer = await askBytes(post + body);
    expect(answer).toMatch(/^HTTP\/1\.1 201 /);
    expect(answer).toContain(`"url":"${url}/todos/`);
    expect(await askBytes('GET /todos HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /);
    await app.close();
  });

  test('what a client says of where it came from, and by which name, is not believed', async () => {
    const claims = {
      'X-Forwarded-Host': 'evil.example',
      'X-Forwarded-Port': '666',
      'X-Forwarded-For': '192.0.2.66',
      'X-Real-IP': '192.0.2.66',
      Forwarded: 'for=192.0.2.66;host=evil.example',
      'X-Forwarded-Proto': 'https',
    };
    const app = await startTestApp(new FakeDatabase());
    await start(app.port);
    const init = {
      method: 'POST',
      headers: { ...claims, 'content-type': 'application/json' },
      body: '{"title":"a"}',
    };
    expect(JSON.parse((await ask('/todos', init)).text)).toMatchObject({
      url: expect.stringContaining(`${url}/todos/`) as string,
    });
    expect(await (await fetch(`${app.url}/todos`, { headers: claims })).text()).not.toContain('evil');
    await app.close();
    child?.signal('SIGTERM');
    await child?.ended();

    await start(createServer((request, response) => void response.end(JSON.stringify(request.headers))));
    const told = JSON.parse((await ask('/', { headers: claims })).text) as Record<string, string>;
    expect(told).toMatchObject({
      'x-forwarded-for': expect.stringMatching(/^127\./) as string,
      'x-forwarded-proto': 'http',
    });
    expect(Object.keys(told)).not.toContain('forwarded');
    expect(JSON.stringify(told)).not.toMatch(/evil|666|192\.0\.2\.66/);
  });

  test('half a header, or half a body, is waited for 10 s, a minute no more; a kept connection stays', async () => {
    await start(createServer((_, response) => response.end('well')));
    const { hostname, port } = new URL(url);
    const ask = 'GET /todos HTTP/1.1\r\nHost: a\r\n';
    const ended: string[] = [];
    const send = (what: string) => {
      const socket = connect(Number(port), hostname);
      let heard = '';
      socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
      socket.on('close', () => ended.push(what));
      socket.on('error', () => {});
      socket.write(what);
      return { socket, answers: () => heard.split('HTTP/1.1 200').length - 1 };
    };
    const kept = send(`${ask}\r\n`);
    send(ask);
    send('POST /todos HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf');
    await waitFor('both to go', eventuallyMs, () => ended.length === 2);
    kept.socket.write(`${ask}\r\n`);
    await waitFor('the second answer', eventuallyMs, () => kept.answers() === 2);
    kept.socket.destroy();
  });

  test('entries that cannot be used: a foreign server block does not run, and the others are served', async () => {
    await start();
    const [port] = (await served('one')) as [number];
    const [foreign] = (await freePorts(1, '127.0.0.21')) as [number];
    const { runner } = await agentKeeps([
      { node: 'good', port },
      { node: 'legacy', port: 0, address: '127.0.0.9' },
      { node: 'named', port: 80, address: 'no-such-host.invalid' },
      {
        node: 'block',
        port: 1,
        address: `127.0.0.9; } server { listen 127.0.0.21:${foreign}; return 200 owned; } upstream x { server 127.0.0.9`,
      },
      { node: 'six', port: 9, address: '::1' },
    ]);
    await waitFor('the list', eventuallyMs, async () => (await ask('/')).text === 'one');
    await waitFor('the status', eventuallyMs, () => runner.status().state === 'current');
    expect(runner.status().leftOut).toEqual([
      expect.stringContaining('block'),
      expect.stringContaining('legacy is left out: it has no port'),
      expect.stringContaining('named'),
    ]);
    await expect(fetch(`http://127.0.0.21:${foreign}/`)).rejects.toThrow();
    execFileSync(nginx!, ['-t', '-q', '-p', state, '-c', conf], { stdio: 'pipe' });
  });

  test.each(['round-robin', 'uri-hash'])(
    '%s: six dead entries beside two live ones cost no request',
    async (balance) => {
      await start();
      const live = await served('a', 'b');
      const dead = await freePorts(6, '127.0.0.1');
      const { upstreams } = await agentKeeps(
        [...dead, ...live].map((port, index) => ({ node: `n${index}`, port })),
        balance,
      );
      await waitFor('the list', eventuallyMs, () => upstreams().includes(`:${live[1]} `));
      const both = new Set<string>();
      await waitFor('both to be served', eventuallyMs, async () => {
        both.add((await ask(`/${both.size}${Math.random()}`)).text);
        return both.has('a') && both.has('b');
      });
      const answers = [];
      for (let i = 0; i < 200; i++) answers.push((await ask(`/todos/${i}`)).status);
      const failed = answers.filter((status) => status !== 200).length;
      console.log(`${balance}: ${failed} of ${answers.length} GETs failed`);
      expect(failed).toBe(0);
    },
  );

  test('what the app says itself is passed on, whatever its status', async () => {
    await start(
      createServer((request, response) => {
        const status = Number(request.url?.slice(1));
        response.writeHead(status, { 'content-type': 'application/problem+json' }).end('{"own":true}');
      }),
    );
    for (const status of [404, 502, 503, 504])
      expect(await ask(`/${status}`)).toMatchObject({ status, text: '{"own":true}' });
  });
});
