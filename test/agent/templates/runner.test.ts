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
import { PendingMark } from '../../../agent/templates/notes.js';
import { TemplateRunner } from '../../../agent/templates/runner.js';
import { doubtMs } from '../../../agent/core/catalogue/absence.js';
import type { TextFormat } from '../../../agent/core/catalogue/text-format.js';
import { Watches } from '../../../agent/templates/watches.js';
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
  format?: TextFormat;
  command?: [string, ...string[]];
  /** Default: longer than any test lets pass. Commands run in real time, whatever this clock says. */
  commandTimeoutMs?: number;
}

function start(consul: FakeConsul, options: Options = {}) {
  const clock = new ManualClock();
  const log = keptLog();
  const watches = new Watches({ consul, clock, log, signal: stop.signal });
  const runner = new TemplateRunner({
    template: {
      source: 'list.hbs',
      destination,
      format: options.format ?? 'text',
      command: options.command ?? countingCommand(),
    },
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
  return { clock, log, until, unchanged, status: () => runner.status() };
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
  consul.setForeign('web', [
    { node: 'b', port: 2, status: 'critical' },
    { node: 'a', port: 1, status: 'warning' },
  ]);
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

test('who vanishes from the catalogue is doubted, and the new are taken at once', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'a', port: 1 }]);
  const { until, unchanged, status } = start(consul);
  await until('127.0.0.1:1;', 1);
  consul.setForeign('web', []);
  await unchanged('127.0.0.1:1;', 1, doubtMs / 2);
  expect(status()).toEqual({
    destination,
    state: 'current',
    doubted: [expect.stringContaining('web@a on a is missing')],
  });
  consul.setForeign('web', [{ node: 'b', port: 2 }]);
  await until('127.0.0.1:1;127.0.0.1:2;', 2);
  await until('127.0.0.1:2;', 3, 1_000);
  expect(status().doubted).toBeUndefined();
});

test('… also by an agent that has just started and wrote the file in its last run', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'a', port: 1 }]);
  const first = start(consul);
  await first.until('127.0.0.1:1;', 1);
  await first.unchanged('127.0.0.1:1;', 1);
  stop.abort();
  stop = new AbortController();
  consul.setForeign('web', []);
  const { until, unchanged } = start(consul);
  await unchanged('127.0.0.1:1;', 1, doubtMs / 2);
  await until('', 2, 1_000);
});

test('… but not when somebody else wrote the file', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'a', port: 1 }]);
  await start(consul).until('127.0.0.1:1;', 1);
  stop.abort();
  stop = new AbortController();
  writeFileSync(destination, 'by hand');
  consul.setForeign('web', []);
  await start(consul).until('', 2);
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

/** Fails as long as the file holds `bad`, or the file `down` is there. */
const reader = (): [string, ...string[]] => [
  '/bin/sh',
  '-c',
  `grep -q bad ${destination} && { echo bad text >&2; exit 3; }; test ! -e ${join(folder, 'down')} || { echo not running >&2; exit 1; }; printf x >> ${ran}`,
];

test('a text that the command fails with is taken back, named, and tried again', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'good', port: 1 }]);
  const source = `{{#each (service "web")}}{{node}}{{/each}}`;
  const { clock, log, until, status } = start(consul, { source, command: reader() });
  await until('good', 1);
  consul.setForeign('web', [{ node: 'bad', port: 1 }]);
  await waitFor('the text before it', eventuallyMs, async () => {
    await clock.advance(10);
    // A busy machine may be in the middle of a later attempt already, with the new text in its place.
    return (
      content() === 'good' &&
      status().detail?.endsWith(
        'ended with status 3: bad text; the last text that worked was put back, and the new one is tried again',
      )
    );
  });
  expect(count()).toBeGreaterThanOrEqual(2);
  const named = () => log.lines.filter((line) => line.includes('bad text'));
  // The status has it a moment before the log: a note on the disk comes in between.
  await waitFor('the log to name it', eventuallyMs, async () => named().length > 0);
  await clock.advance(60_000);
  expect(named()).toHaveLength(1);
  consul.setForeign('web', [{ node: 'better', port: 1 }]);
  await waitFor('the better one', eventuallyMs, async () => {
    await clock.advance(100);
    return content() === 'better' && status().state === 'current';
  });
});

test('a reader that is down finds the text that worked, and the new one soon after its start', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'one', port: 1 }]);
  const source = `{{#each (service "web")}}{{node}}{{/each}}`;
  const { clock, until, status } = start(consul, { source, command: reader() });
  await until('one', 1);
  writeFileSync(join(folder, 'down'), '');
  consul.setForeign('web', [{ node: 'two', port: 1 }]);
  await waitFor('both to have failed', eventuallyMs, async () => {
    await clock.advance(10);
    return status().detail?.includes(
      'not running; the last text that worked was put back, and the command fails with it too',
    );
  });
  expect(content()).toBe('one');
  rmSync(join(folder, 'down'));
  await until('two', 2, 200);
});

test('killed after a text that failed: the next run knows the one that worked', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [{ node: 'good', port: 1 }]);
  const source = `{{#each (service "web")}}{{node}}{{/each}}`;
  await start(consul, { source, command: reader() }).until('good', 1);
  stop.abort();
  // What a run leaves that is killed between the file and the end of the command.
  const mark = new PendingMark(join(folder, 'state'), destination);
  await mark.set('good');
  writeFileSync(destination, 'bad');
  stop = new AbortController();
  consul.setForeign('web', [{ node: 'bad', port: 1 }]);
  const { until } = start(consul, { source, command: reader() });
  await until('good', 2);
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

test('what cannot be used is left out and named, and spoils nothing else', async () => {
  const consul = new FakeConsul();
  consul.setForeign('web', [
    { node: 'good', port: 1 },
    { node: 'six', port: 2, address: '2001:db8::1' },
    { node: 'portless', port: 0 },
    { node: 'named', port: 3, address: 'db.example' },
    { node: 'foreign', port: 4, address: '127.0.0.1:80; } server { listen 81; ' },
    { node: 'tagged', port: 5, tags: ['weight=5 backup'] },
    { node: 'meta', port: 6, meta: { weight: '1;}', other: 'x' } },
    { node: 'unused', port: 7, meta: { other: '{"a": "}"}' } },
  ]);
  const { until, status, log } = start(consul, {
    format: 'nginx',
    source: `{{#each (service "web")}}{{address}}:{{port}}{{#each tags}} {{this}}{{/each}}{{#if meta.weight}} {{meta.weight}}{{/if}};{{/each}}`,
  });
  await until('127.0.0.1:1;[2001:db8::1]:2;127.0.0.1:7;', 1).catch(() => {});
  expect(content()).toBe('127.0.0.1:1;[2001:db8::1]:2;127.0.0.1:7;');
  const leftOut = [...(status().leftOut ?? [])].sort();
  expect(leftOut.map((line) => line.replace(/^web: web@/, '').replace(/ on \w+ is left out/, ''))).toEqual([
    'foreign: its address is "127.0.0.1:80; } server { listen 81; ", and only an IP address can be used',
    'meta: its meta weight is "1;}", which may not stand in a file of format nginx',
    'named: its address is "db.example", and only an IP address can be used',
    'portless: it has no port',
    'tagged: its tag is "weight=5 backup", which may not stand in a file of format nginx',
  ]);
  expect(log.lines.filter((line) => line.includes('is left out'))).toHaveLength(5);
});
