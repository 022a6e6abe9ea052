import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { SystemdNotifier } from '../../../agent/systemd/notifier.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { listProcesses } from '../../../common/runtime/processes/proc.js';
import { keptLog } from '../../fakes/kept-log.js';
import { buildAgent } from '../../support/agent/agent-process.js';
import { Child } from '../../support/child.js';
import { receiveDatagrams } from '../../support/programs/datagrams.js';
import { freePorts } from '../../support/ports.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-notify-'));
const cleanUp: (() => unknown)[] = [];
let sockets = 0;
afterEach(async () => {
  for (const end of cleanUp.splice(0).reverse()) await end();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function receiver(socket = join(folder, `notify-${sockets++}`)) {
  const datagrams = await receiveDatagrams(socket);
  cleanUp.push(() => datagrams.close());
  const until = (wanted: string) =>
    waitFor(`${wanted}; came: ${datagrams.received.join(' ')}`, eventuallyMs, () =>
      datagrams.received.includes(wanted),
    );
  return { socket, received: datagrams.received as string[], until };
}

async function notifierTo(socket: string, program?: string) {
  const log = keptLog();
  const notifier = await SystemdNotifier.start({
    settings: { socket, watchdogMs: 30_000 },
    clock: systemClock,
    random: () => 0,
    log,
    path: process.env['PATH']!,
    ...(program === undefined ? {} : { program }),
  });
  cleanUp.push(() => notifier.close());
  return { notifier, log };
}

/** The helper: the only perl below this process whose arguments are not the receiver's. */
const helpers = () =>
  listProcesses().filter(
    ({ name, parent, pid, state }) =>
      name === 'perl' &&
      parent === process.pid &&
      state !== 'Z' &&
      readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('NOTIFY_SOCKET'),
  );

describe('the helper', () => {
  test.each([
    ['a path', undefined],
    ['an abstract socket', `@hotspare-notify-${process.pid}`],
  ])('sends each assignment to %s, in order', async (_, name) => {
    const { socket, received, until } = await receiver(name);
    const { notifier } = await notifierTo(socket);
    notifier.ready();
    notifier.status('pg (primary) passing – ohne Fehl');
    notifier.alive();
    notifier.stopping();
    await until('STOPPING=1');
    expect(received).toEqual([
      'READY=1',
      'STATUS=pg (primary) passing – ohne Fehl',
      'WATCHDOG=1',
      'STOPPING=1',
    ]);
  });

  test('what was said before the close still arrives, and no process is left', async () => {
    const { socket, until } = await receiver();
    const { notifier } = await notifierTo(socket);
    notifier.stopping();
    await notifier.close();
    await until('STOPPING=1');
    expect(helpers()).toEqual([]);
  });

  test('survives the SIGTERM of an orderly stop', async () => {
    const { socket, until } = await receiver();
    const { notifier } = await notifierTo(socket);
    const [helper] = helpers();
    process.kill(helper!.pid, 'SIGTERM');
    notifier.stopping();
    await until('STOPPING=1');
    expect(helpers().map(({ pid }) => pid)).toEqual([helper!.pid]);
  });

  test('killed, it is started again and says what stands, but no stale sign of life', async () => {
    const { socket, received, until } = await receiver();
    const { notifier, log } = await notifierTo(socket);
    notifier.ready();
    notifier.alive();
    notifier.status('well');
    await until('STATUS=well');
    received.length = 0;
    process.kill(helpers()[0]!.pid, 'SIGKILL');
    await until('READY=1|STATUS=well');
    notifier.alive();
    await until('WATCHDOG=1');
    expect(received).toEqual(['READY=1|STATUS=well', 'WATCHDOG=1']);
    expect(log.lines).toEqual([
      expect.stringContaining('the helper ended with SIGKILL; the helper is started again'),
      'info: systemd can be told again',
    ]);
  });

  test('a socket nobody listens at is told once, and is no reason to end', async () => {
    const { notifier, log } = await notifierTo(join(folder, 'nobody'));
    notifier.alive();
    notifier.alive();
    await waitFor('the complaint', eventuallyMs, () => log.lines.length > 0);
    notifier.alive();
    await notifier.close();
    expect(log.lines).toEqual(['warn: systemd was not told something: send: No such file or directory']);
  });

  test('no perl, and a perl that does not work: sentences', async () => {
    await expect(notifierTo('/x', 'no-such-perl')).rejects.toThrow(
      /systemd waits to hear from this agent, but it cannot be told: there is no no-such-perl on this box; install the package perl-base/,
    );
    await expect(notifierTo('/x', 'false')).rejects.toThrow(/the helper ended with status 1; install/);
  });
});

describe('the agent', () => {
  let built: Awaited<ReturnType<typeof buildAgent>>;
  beforeAll(async () => {
    built = await buildAgent();
  });
  afterAll(() => built.destroy());

  async function start(environment: Record<string, string>) {
    const [port, consulPort] = (await freePorts(2)) as [number, number];
    const config = join(folder, `agent-${port}.yaml`);
    const inherited = join(folder, `inherited-${port}`);
    const source = join(folder, 'plain.hbs');
    writeFileSync(source, 'box {{box}}\n');
    writeFileSync(
      config,
      `box: b1
address: 127.0.0.1
stateDir: ${folder}/state-${port}
http: { host: 127.0.0.1, port: ${port} }
consul: { url: "http://127.0.0.1:${consulPort}" }
services: [{ name: web, kind: http, port: ${port} }]
templates: [{ source: ${source}, destination: ${folder}/plain-${port}, command: [/bin/sh, -c, "env > ${inherited}"] }]
`,
    );
    const child = Child.start(
      process.execPath,
      [built.file, '--config', config],
      join(folder, `log-${port}`),
      {
        env: { ...process.env, ...environment },
      },
    );
    cleanUp.push(async () => {
      child.signalAll('SIGKILL');
      await child.ended();
    });
    return { child, inherited };
  }

  test('is ready without Consul, shows life at a third of the limit, says when it stops', async () => {
    const { socket, received, until } = await receiver();
    const { child, inherited } = await start({ NOTIFY_SOCKET: socket, WATCHDOG_USEC: '600000' });
    await until('READY=1');
    await until('STATUS=web passing, Consul not reachable');
    await waitFor(
      'five signs of life',
      20_000,
      () => received.filter((one) => one === 'WATCHDOG=1').length >= 5,
    );
    const environment = await waitFor('the command', eventuallyMs, () => readFileSync(inherited, 'utf8'));
    expect(environment).not.toMatch(/NOTIFY_SOCKET|WATCHDOG/);
    child.signalAll('SIGTERM');
    await until('STOPPING=1');
    await waitFor('exit code 0', eventuallyMs, () => child.process.exitCode === 0);
    expect(received.indexOf('READY=1')).toBe(0);
    expect(received.at(-1)).toBe('STOPPING=1');
  });

  test('without perl it ends with a sentence instead of being killed later', async () => {
    const { child } = await start({ NOTIFY_SOCKET: join(folder, 'x'), PATH: folder });
    await waitFor('exit code 1', eventuallyMs, () => child.process.exitCode === 1);
    expect(child.log()).toMatch(
      /NOTIFY_SOCKET is set.*there is no perl on this box; install the package perl-base/,
    );
  });

  test('killed, it leaves no helper', async () => {
    const { socket, until } = await receiver();
    const { child } = await start({ NOTIFY_SOCKET: socket });
    await until('READY=1');
    child.signal('SIGKILL');
    await child.ended();
    const left = execFileSync('sh', ['-c', `grep -ls "${socket}" /proc/[0-9]*/environ || true`]).toString();
    expect(left).toBe('');
  });
});
