import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ProcessManager } from '../../common/runtime/processes/manager.js';
import { familyOf, readProcess } from '../../common/runtime/processes/proc.js';
import type { ProcessUnit } from '../../common/runtime/processes/unit.js';
import type { ServiceManager } from '../../common/service-manager.js';
import { waitFor } from '../support/wait.js';

/**
 * Every implementation has these units: `good` ends at its stop signal, `stubborn` does not, `brief` ends at once;
 * `server` has children in sessions of their own that end when they notice its death, like Postgres.
 */
interface Subject {
  readonly name: string;
  make(): { manager: ServiceManager; again(): ServiceManager };
}

const folder = mkdtempSync(join(tmpdir(), 'hotspare-units-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let labs = 0;
const processes: Subject = {
  name: 'processes',
  make() {
    const run = join(folder, `run-${labs++}`);
    const unit = (name: string, script: string): ProcessUnit => ({
      name,
      command: ['/bin/sh', '-c', script],
      environment: { PATH: '/usr/bin:/bin' },
      workingDirectory: '/',
      logFile: join(folder, `${name}.log`),
      stopSignal: 'SIGTERM',
      stopTimeoutMs: 300,
      killMode: 'control-group',
    });
    const units = [
      unit('good', 'sleep 600 & sleep 601 & wait'),
      unit('stubborn', 'trap "" TERM; sleep 602 & while :; do sleep 1; done'),
      unit('brief', 'exit 3'),
      {
        ...unit(
          'server',
          'for i in 1 2 3; do setsid sh -c "while kill -0 $$ 2>/dev/null; do sleep 0.05; done" & done; wait',
        ),
        killMode: 'process' as const,
      },
    ];
    return { manager: new ProcessManager(units, run), again: () => new ProcessManager(units, run) };
  },
};

describe.each([processes])('ServiceManager: $name', ({ make }) => {
  const runningPid = async (manager: ServiceManager, name: string) => {
    const status = await manager.status(name);
    if (status.state !== 'running') throw new Error(`${name} is ${status.state}`);
    return status.pid;
  };

  test('starts, stops, and leaves no process behind', async () => {
    const { manager } = make();
    expect(await manager.status('good')).toEqual({ state: 'stopped' });
    await manager.start('good');
    const pid = await runningPid(manager, 'good');
    await waitFor('its children', 5_000, () => familyOf(pid).length === 3);
    await manager.stop('good');
    expect(await manager.status('good')).toEqual({ state: 'stopped' });
    expect(familyOf(pid)).toEqual([]);
  });

  test('starting twice starts one', async () => {
    const { manager } = make();
    await manager.start('good');
    const pid = await runningPid(manager, 'good');
    await manager.start('good');
    expect(await runningPid(manager, 'good')).toBe(pid);
    await manager.stop('good');
  });

  test('another instance finds what this one started', async () => {
    const { manager, again } = make();
    await manager.start('good');
    expect(await again().status('good')).toEqual(await manager.status('good'));
    await again().stop('good');
    expect(await manager.status('good')).toEqual({ state: 'stopped' });
  });

  test('what does not end in time is killed', async () => {
    const { manager } = make();
    await manager.start('stubborn');
    const pid = await runningPid(manager, 'stubborn');
    await manager.stop('stubborn');
    expect(familyOf(pid)).toEqual([]);
  });

  test('kill leaves nothing and is seen as failed; it can be started again', async () => {
    const { manager } = make();
    await manager.start('good');
    const pid = await runningPid(manager, 'good');
    await manager.kill('good');
    expect(familyOf(pid)).toEqual([]);
    expect(await manager.status('good')).toEqual({ state: 'failed' });
    await manager.start('good');
    expect(await runningPid(manager, 'good')).not.toBe(pid);
    await manager.stop('good');
  });

  test('a program that ends by itself is failed', async () => {
    const { manager } = make();
    await manager.start('brief');
    await waitFor('brief to end', 5_000, async () => (await manager.status('brief')).state === 'failed');
  });

  test('freeze stops every process, thaw continues them, a frozen unit can be stopped', async () => {
    const { manager } = make();
    await manager.start('good');
    const pid = await runningPid(manager, 'good');
    await waitFor('its children', 5_000, () => familyOf(pid).length === 3);
    await manager.freeze('good');
    await waitFor('all to be stopped', 5_000, () => familyOf(pid).every(({ state }) => state === 'T'));
    expect(await manager.status('good')).toEqual({ state: 'frozen', pid });
    await manager.thaw('good');
    await waitFor('it to go on', 5_000, () => readProcess(pid)?.state !== 'T');
    await manager.freeze('good');
    await manager.stop('good');
    expect(familyOf(pid)).toEqual([]);
  });

  test('children in sessions of their own: none is left by freeze and kill, or by freeze and stop', async () => {
    const { manager } = make();
    for (const end of [(name: string) => manager.kill(name), (name: string) => manager.stop(name)]) {
      await manager.start('server');
      const pid = await runningPid(manager, 'server');
      const family = await waitFor('its children', 5_000, () => {
        const all = familyOf(pid);
        return all.filter(({ session }) => session !== pid).length >= 3 && all;
      });
      await manager.freeze('server');
      await end('server');
      const left = family.filter((member) => {
        const now = readProcess(member.pid);
        return now?.startTicks === member.startTicks && now.state !== 'Z';
      });
      expect(left).toEqual([]);
    }
  });

  test('an unknown name is refused with the known ones', async () => {
    const { manager } = make();
    await expect(manager.start('nobody')).rejects.toThrow(
      /there is no nobody; known are good, stubborn, brief, server/,
    );
  });

  test('stopping what does not run does nothing; freezing it is refused', async () => {
    const { manager } = make();
    await manager.stop('good');
    await expect(manager.freeze('good')).rejects.toThrow(/good is not running/);
  });
});
