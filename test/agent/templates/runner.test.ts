import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { TemplateRunner } from '../../../agent/templates/runner.js';
import { settleMs, Watches } from '../../../agent/templates/watches.js';
import { FakeConsul } from '../../fakes/fake-consul.js';
import { keptLog } from '../../fakes/kept-log.js';
import { ManualClock } from '../../fakes/manual-clock.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

let folder: string;
let destination: string;
let ran: string;
let stop: AbortController;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-template-'));
  destination = join(folder, 'list.conf');
  ran = join(folder, 'ran');
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  rmSync(folder, { recursive: true, force: true });
});

const source = `{{#each (service "web")}}{{address}}:{{port}};{{/each}}`;
const count = () => (existsSync(ran) ? readFileSync(ran, 'utf8').length : 0);
const content = () => (existsSync(destination) ? readFileSync(destination, 'utf8') : undefined);
const countingCommand = (): [string, ...string[]] => ['/bin/sh', '-c', `printf x >> ${ran}`];

interface Options {
  source?: string;
  command?: [string, ...string[]];
  /** Default: longer than any test lets pass. Commands run in real time, whatever this clock says. */
  commandTimeoutMs?: number;
}

function start(consul: FakeConsul, options: Options = {}) {
  const clock = new ManualClock();
  const log = keptLog();
  const watches = new Watches({ consul, clock, log, signal: stop.signal });
  const runner = new TemplateRunner({
    template: { source: 'list.hbs', destination, command: options.command ?? countingCommand() },
    source: options.source ?? source,
    context: { box: 'nginx1', address: '127.0.11.21' },
    stateDir: join(folder, 'state'),
    commandTimeoutMs: options.commandTimeoutMs ?? 1e9,
    watches,
    clock,
    random: () => 0.5,
    log,
    signal: stop.signal,
  });
  runner.start();
  /** Moves time until the file is as wanted and the command ran so often. */
  const until = (wanted: string, runs: number, stepMs = 20) =>
    waitFor(`"${wanted}" after ${runs} commands`, eventuallyMs, async () => {
      await clock.advance(stepMs);
      return content() === wanted && count() === runs;
    });
  const unchanged = async (wanted: string | undefined, runs: number, ms = 2_000) => {
    await clock.advance(ms);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([content(), count()]).toEqual([wanted, runs]);
  };
  return { clock, log, until, unchanged };
}

test('follows who comes and goes; the command runs once per change', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'b', port: 2 }]);
  const { log, until, unchanged } = start(consul);
  await until('127.0.0.1:2;', 1);
  consul.setForeign('web', [
    { node: 'b', port: 2 },
    { node: 'a', port: 1 },
  ]);
  await until('127.0.0.1:1;127.0.0.1:2;', 2);
  await unchanged('127.0.0.1:1;127.0.0.1:2;', 2);
  consul.setForeign('web', []);
  await until('', 3);
  expect(log.lines).toEqual([
    expect.stringContaining('rendered; web: 127.0.0.1:2'),
    expect.stringContaining('rendered; web: added 127.0.0.1:1'),
    expect.stringContaining('rendered; web: removed 127.0.0.1:1, 127.0.0.1:2'),
  ]);
});

test('a burst is one rendering', async () => {
  const consul = new FakeConsul();
  const { clock, until } = start(consul);
  await until('', 1);
  for (let port = 1; port <= 5; port++) {
    consul.setForeign('web', [{ node: 'a', port }]);
    await clock.advance(10);
  }
  await until('127.0.0.1:5;', 2);
});

test('a burst that does not end is not waited for', async () => {
  const consul = new FakeConsul();
  const { clock, until } = start(consul);
  await until('', 1);
  for (let port = 1; port <= 20; port++) {
    consul.setForeign('web', [{ node: 'a', port }]);
    await clock.advance(20);
  }
  await waitFor('a rendering', eventuallyMs, () => content() !== '');
});

test('what is on disk already is not written and not announced', async () => {
  writeFileSync(destination, '127.0.0.1:2;');
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'b', port: 2 }]);
  const { unchanged } = start(consul);
  await unchanged('127.0.0.1:2;', 0);
});

test('nothing is rendered before Consul answered, and nothing is lost when it goes', async () => {
  writeFileSync(destination, 'last good');
  const consul = new FakeConsul();
  consul.stop();
  const { until, unchanged, log } = start(consul);
  await unchanged('last good', 0, 60_000);
  expect(log.lines.join()).toContain('nothing is rendered until it answers');
  consul.setForeign('web', [{ node: 'b', port: 2 }]);
  consul.start();
  await until('127.0.0.1:2;', 1);
  consul.stop();
  await unchanged('127.0.0.1:2;', 1, 600_000);
});

test('after an outage the missing have time to come back, and the new are taken at once', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'a', port: 1 }]);
  const { until, unchanged } = start(consul);
  await until('127.0.0.1:1;', 1);
  consul.stop();
  consul.start({ lostState: true });
  await unchanged('127.0.0.1:1;', 1, settleMs / 2);
  consul.setForeign('web', [{ node: 'b', port: 2 }]);
  await until('127.0.0.1:1;127.0.0.1:2;', 2);
  await until('127.0.0.1:2;', 3, 1_000);
});

test('a tag asks for a part', async () => {
  const consul = new FakeConsul();
  consul.setForeign('pg', [
    { node: 'pg1', port: 1, tags: ['primary'] },
    { node: 'pg2', port: 2, tags: ['replica'] },
  ]);
  const { until } = start(consul, {
    source: `{{box}} {{#each (service "pg" tag="primary")}}{{node}}:{{port}}{{else}}nobody{{/each}}`,
  });
  await until('nginx1 pg1:1', 1);
  consul.setForeign('pg', [{ node: 'pg2', port: 2, tags: ['replica'] }]);
  await until('nginx1 nobody', 2);
});

test('a command that fails is told, and tried again until it succeeds', async () => {
  const consul = new FakeConsul();
  const flag = join(folder, 'works');
  const command: [string, ...string[]] = [
    '/bin/sh',
    '-c',
    `test -e ${flag} || { echo no such luck >&2; exit 3; }; printf x >> ${ran}`,
  ];
  const { clock, log, until, unchanged } = start(consul, { command });
  await waitFor('the failure', eventuallyMs, async () => {
    await clock.advance(100);
    return log.lines.some((line) => line.includes('ended with status 3: no such luck; trying again'));
  });
  writeFileSync(flag, '');
  await until('', 1, 1_000);
  await unchanged('', 1, 120_000);
});

test('a program that is not there is a sentence', async () => {
  const { clock, log } = start(new FakeConsul(), { command: ['/no/such/program', 'reload'] });
  await waitFor('the sentence', eventuallyMs, async () => {
    await clock.advance(100);
    return log.lines.some((line) => line.includes('/no/such/program reload: there is no such program'));
  });
});

test('a command that hangs is ended', async () => {
  const { clock, log } = start(new FakeConsul(), {
    command: ['/bin/sleep', '1000'],
    commandTimeoutMs: 5_000,
  });
  await waitFor('its end', eventuallyMs, async () => {
    await clock.advance(1_000);
    return log.lines.some((line) => line.includes('did not end within 5000 ms and was killed'));
  });
});

test('an agent killed between file and command runs the command at its next start', async () => {
  const consul = new FakeConsul();
  const failing = start(consul, { command: ['/bin/false'] });
  await waitFor('the first failure', eventuallyMs, async () => {
    await failing.clock.advance(100);
    return failing.log.lines.some((line) => line.includes('trying again'));
  });
  stop.abort();
  stop = new AbortController();
  const { until } = start(consul);
  await until('', 1);
});

test('mode is kept, and a folder in the way is told without harm', async () => {
  writeFileSync(destination, 'old');
  chmodSync(destination, 0o640);
  const consul = new FakeConsul();
  await start(consul).until('', 1);
  expect(statSync(destination).mode & 0o777).toBe(0o640);
  stop.abort();
  stop = new AbortController();
  rmSync(destination);
  mkdirSync(destination);
  const blocked = start(consul);
  await waitFor('the sentence', eventuallyMs, async () => {
    await blocked.clock.advance(100);
    return blocked.log.lines.some((line) => line.includes('cannot be written'));
  });
});

test('a name the template invents is told, and the file stays', async () => {
  writeFileSync(destination, 'last good');
  const { log, unchanged } = start(new FakeConsul(), { source: '{{nonsense}}' });
  await unchanged('last good', 0);
  expect(log.lines.join()).toContain('cannot be rendered');
});
