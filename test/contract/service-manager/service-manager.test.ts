import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { unitsIn, writeUnits } from '../../../common/runtime/processes/folder.js';
import { ProcessManager } from '../../../common/runtime/processes/manager.js';
import { familyOf, listProcesses } from '../../../common/runtime/processes/proc.js';
import type { ProcessUnit } from '../../../common/runtime/processes/unit.js';
import { ServiceManagerError } from '../../../common/service-manager.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';
import { FakeUnits } from '../../fakes/fake-units.js';
import { serviceManagerSuite, suiteStopMs, suiteUnits } from './suite.js';

// The other implementation, systemd's, needs a booted box: test/boxes/service-manager.test.ts.

const folder = mkdtempSync(join(tmpdir(), 'hotspare-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const units = Object.entries(suiteUnits).map(([name, script]): ProcessUnit => ({
  name,
  command: ['/bin/sh', '-c', script],
  environment: { PATH: '/usr/bin:/bin' },
  workingDirectory: '/',
  logFile: join(folder, `${name}.log`),
  stopSignal: 'SIGTERM',
  stopTimeoutMs: suiteStopMs,
  killMode: name === 'server' ? 'process' : 'control-group',
}));

let labs = 0;
serviceManagerSuite({
  name: 'the processes of a folder, as an agent has them',
  unit: (name) => name,
  async make() {
    const run = join(folder, `lab-${labs++}`);
    mkdirSync(run);
    writeUnits(run, units);
    const manager = () =>
      unitsIn(
        run,
        units.map(({ name }) => name),
      );
    return { manager: manager(), again: manager };
  },
  family: async (_, pid) => familyOf(pid),
  all: async () => listProcesses(),
});

serviceManagerSuite({
  name: 'processes',
  unit: (name) => name,
  async make() {
    const run = join(folder, `run-${labs++}`);
    return { manager: new ProcessManager(units, run), again: () => new ProcessManager(units, run) };
  },
  family: async (_, pid) => familyOf(pid),
  all: async () => listProcesses(),
});

describe('processes', () => {
  const good = units.find(({ name }) => name === 'good')!;
  const within = () => join(folder, `lab-${labs++}`);

  test('of a folder only those that were named are known', async () => {
    const lab = within();
    mkdirSync(lab);
    writeUnits(lab, units);
    await expect(unitsIn(lab, ['good', 'absent']).start('brief')).rejects.toMatchObject({
      kind: 'unknown',
      message: 'there is no brief; known are good',
    });
  });

  test.each([
    ['no such file', undefined, /ENOENT.*"hotspare lab up" writes it/],
    ['no JSON', '{', /"hotspare lab up" writes it/],
    ['other JSON', '[{"name": "good"}]', /does not say how the programs are run/],
  ])('a list of units that cannot be read (%s) is said as such', async (_, content, message) => {
    const lab = within();
    mkdirSync(lab);
    if (content !== undefined) writeFileSync(join(lab, 'units.json'), content);
    const error: unknown = await unitsIn(lab, ['good'])
      .start('good')
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ServiceManagerError);
    expect(error).toMatchObject({ kind: 'unclear', message: expect.stringMatching(message) as string });
  });

  test.each([
    ['the folder of notes is a file', { ...good }, '/dev/null/run'],
    ['the log cannot be written', { ...good, logFile: '/dev/null/log' }, undefined],
    ['the program is started in no folder', { ...good, workingDirectory: '/nowhere' }, undefined],
    [
      'what runs before is no program',
      { ...good, before: { ifThere: '/', command: ['/nowhere'] as [string] } },
      undefined,
    ],
  ])('every trouble is a ServiceManagerError: %s', async (_, unit, run) => {
    const manager = new ProcessManager([unit], run ?? within());
    for (const order of ['start', 'restart'] as const) {
      const error: unknown = await manager[order]('good').catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ServiceManagerError);
      expect(error).toMatchObject({ kind: 'failed', message: expect.stringContaining('good') as string });
    }
  });

  test('starts and restarts that are ordered at once by several are done one after another', async () => {
    const run = within();
    mkdirSync(run);
    const [lock, trace] = [join(run, 'lock'), join(run, 'trace')];
    // Its own lock tells whether a second one ran beside it. A restart may end it before it has written a line.
    const script = `exec 9>${lock}; flock -n 9 || echo overlap >>${trace}; echo $$ >>${trace}; exec sleep 613`;
    const unit = { ...good, command: ['/bin/sh', '-c', script] as const };
    const managers = Array.from({ length: 4 }, () => new ProcessManager([unit], run));
    const lines = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []);
    const alive = () => lines().filter((pid) => familyOf(Number(pid)).length > 0);
    await Promise.all(managers.map((manager) => manager.start('good')));
    await waitFor('its start', eventuallyMs, () => lines().length === 1);
    const [first] = lines();
    await Promise.all(managers.map((manager) => manager.restart('good')));
    const status = await managers[0]!.status('good');
    const pid = status.state === 'running' ? status.pid : undefined;
    expect(pid).not.toBe(Number(first));
    await waitFor('its last start', eventuallyMs, () => lines().includes(String(pid)));
    expect(alive()).toEqual([String(pid)]);
    expect(lines()).not.toContain('overlap');
    await managers[0]!.stop('good');
    expect(alive()).toEqual([]);
  });

  test('what an agent started is not of its family, and outlives it', async () => {
    const run = within();
    mkdirSync(run);
    writeUnits(run, units);
    // An agent that is itself a unit of the lab.
    const script = join(folder, 'agent.ts');
    const source = `${process.cwd()}/common/runtime/processes/folder.ts`;
    writeFileSync(
      script,
      `import { unitsIn } from '${source}';
void unitsIn('${run}', ['good']).start('good').then(() => setInterval(() => {}, 1000));\n`,
    );
    const agent: ProcessUnit = {
      ...good,
      name: 'agent',
      command: [process.execPath, '--import', 'tsx', script],
      workingDirectory: process.cwd(),
    };
    const manager = new ProcessManager([...units, agent], join(run, 'run'));
    await manager.start('agent');
    const pid = await waitFor('what it starts', eventuallyMs, async () => {
      const status = await manager.status('good');
      return status.state === 'running' && status.pid;
    });
    await manager.kill('agent');
    expect(await manager.status('good')).toEqual({ state: 'running', pid });
    await manager.stop('good');
    expect(familyOf(pid)).toEqual([]);
  });
});

describe('what runs before a start', () => {
  const flag = join(folder, 'flag');
  const said = join(folder, 'before.log');
  const unit = (script: string): ProcessUnit => ({
    ...units.find(({ name }) => name === 'good')!,
    name: 'before',
    logFile: said,
    before: { ifThere: flag, command: ['/bin/sh', '-c', script] },
  });
  const managerOf = (script: string) => new ProcessManager([unit(script)], join(folder, `run-${labs++}`));

  test('only while its file is there; it has ended before the program starts', async () => {
    const trace = join(folder, 'trace');
    const manager = managerOf(`sleep 0.2; echo prepared >> ${trace}`);
    rmSync(flag, { force: true });
    await manager.start('before');
    expect(() => readFileSync(trace)).toThrow('ENOENT');
    await manager.stop('before');
    writeFileSync(flag, '');
    await manager.start('before');
    expect(readFileSync(trace, 'utf8')).toBe('prepared\n');
    expect(await manager.status('before')).toMatchObject({ state: 'running' });
    // One that runs is not prepared.
    await manager.start('before');
    expect(readFileSync(trace, 'utf8')).toBe('prepared\n');
    await manager.restart('before');
    expect(readFileSync(trace, 'utf8')).toBe('prepared\nprepared\n');
    await manager.stop('before');
  });

  test('where it says no the program is not started, and both the error and the log say why', async () => {
    writeFileSync(flag, '');
    const manager = managerOf('echo "a rejoin did not end" >&2; exit 1');
    await expect(manager.start('before')).rejects.toMatchObject({
      kind: 'failed',
      message: 'before was not started: a rejoin did not end',
    });
    expect(await manager.status('before')).toEqual({ state: 'stopped' });
    expect(readFileSync(said, 'utf8')).toContain('a rejoin did not end\n');
  });
});

describe('what runs before a stop', () => {
  const flag = join(folder, 'stop-flag');
  const trace = join(folder, 'farewell');
  const unit = (script: string): ProcessUnit => ({
    ...units.find(({ name }) => name === 'good')!,
    name: 'leaving',
    logFile: join(folder, 'leaving.log'),
    beforeStop: { ifThere: flag, command: ['/bin/sh', '-c', script] },
  });
  const farewells = () => readFileSync(trace, 'utf8').split('\n').length - 1;

  test('only of a program that runs, while its file is there, and not where all is stopped; however it ends', async () => {
    writeFileSync(flag, '');
    writeFileSync(trace, '');
    const manager = new ProcessManager([unit(`echo bye >> ${trace}; exit 1`)], join(folder, `run-${labs++}`));
    await manager.stop('leaving');
    expect(farewells()).toBe(0);
    await manager.start('leaving');
    await manager.restart('leaving');
    expect(farewells()).toBe(1);
    await manager.stop('leaving', { isAll: true });
    expect(farewells()).toBe(1);
    await manager.start('leaving');
    rmSync(flag);
    await manager.stop('leaving');
    expect(farewells()).toBe(1);
    expect(await manager.status('leaving')).toEqual({ state: 'stopped' });
  });
});

let fake: FakeUnits;
serviceManagerSuite({
  name: 'the fake',
  unit: (name) => name,
  async make() {
    const manager = new FakeUnits({
      good: { children: 2 },
      stubborn: { children: 1 },
      brief: { brief: true },
      server: { children: 3, detached: true },
    });
    fake = manager;
    return { manager, again: () => manager };
  },
  family: async (unit) =>
    fake.processes.filter((process) => process.unit === unit).map((one) => ({ ...one })),
  all: async () => fake.processes,
});
