import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SystemdManager } from '../../agent/systemd/units.js';
import { systemClock } from '../../common/runtime/clock.js';
import {
  serviceManagerSuite,
  suiteStopMs,
  suiteUnits,
  type Member,
} from '../contract/service-manager/suite.js';
import { LxcBox, whyNoBox } from '../support/programs/lxc-box.js';

const why = whyNoBox();
if (why !== undefined) console.warn(`SKIPPED: systemd's ServiceManager was not tested: ${why}`);

describe.skipIf(why !== undefined)('on a booted box', () => {
  const unit = (name: string) => `hsd-${name}.service`;
  const units = Object.keys(suiteUnits).map(unit);
  let box: LxcBox;

  beforeAll(async () => {
    box = await LxcBox.boot('units');
    for (const [name, script] of Object.entries(suiteUnits)) {
      const stop = `KillMode=control-group\nTimeoutStopSec=${suiteStopMs}ms\n`;
      box.write(`/usr/local/lib/hsd/${name}`, `#!/bin/sh\n${script}\n`, 0o755);
      box.write(
        `/etc/systemd/system/${unit(name)}`,
        `[Service]\nExecStart=/usr/local/lib/hsd/${name}\n${stop}`,
      );
    }
    await box.shell('systemctl daemon-reload');
  });
  afterAll(() => box?.destroy());

  const managerOf = (run: LxcBox['run'], more: readonly string[] = []) =>
    new SystemdManager({ units: [...units, ...more], run, clock: systemClock });

  /** `/proc/PID/stat` of processes, those of a unit or all, without the shell that lists them. */
  async function members(cgroup: string): Promise<Member[]> {
    const text = await box.shell(
      `for p in $(grep -ls '${cgroup}' /proc/[0-9]*/cgroup); do cat "\${p%cgroup}stat" 2>/dev/null; done; true`,
    );
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => {
        const rest = line.slice(line.lastIndexOf(')') + 2).split(' ');
        const [state = '?', , , session] = rest;
        return {
          pid: Number.parseInt(line, 10),
          state,
          session: Number(session),
          startTicks: Number(rest[19]),
        };
      });
  }

  serviceManagerSuite({
    name: 'systemd',
    unit,
    async make() {
      await box.shell(
        `systemctl kill -s KILL ${units.join(' ')} 2>/dev/null; systemctl stop ${units.join(' ')}`,
      );
      await box.shell(`systemctl reset-failed ${units.join(' ')} 2>/dev/null || true`);
      return { manager: managerOf(box.run), again: () => managerOf(box.run) };
    },
    family: async (name) => (await members(`/${name}$`)).filter(({ state }) => state !== 'Z'),
    all: () => members('.'),
  });

  test('a unit that is not installed, and one without a program', async () => {
    const manager = managerOf(box.run, ['hsd-none.service', 'sysinit.target']);
    await expect(manager.start('hsd-none.service')).rejects.toMatchObject({
      kind: 'unknown',
      message: 'there is no unit hsd-none.service on this box; is it installed?',
    });
    await expect(manager.status('sysinit.target')).rejects.toThrow(
      /sysinit.target is active \(active\) without/,
    );
  });

  test('an account without rights is told what must allow it', async () => {
    const nobody: LxcBox['run'] = (...call) => box.runAs(65_534, ...call);
    const manager = managerOf(nobody);
    expect(await manager.status(unit('good'))).toMatchObject({ state: expect.any(String) as string });
    await expect(manager.start(unit('good'))).rejects.toMatchObject({
      kind: 'refused',
      message: expect.stringMatching(/polkit rule must allow it for hsd-good.service/) as string,
    });
  });

  test('a start that takes too long', async () => {
    box.write('/etc/systemd/system/hsd-slow.service', '[Service]\nType=notify\nExecStart=/bin/sleep 1000\n');
    await box.shell('systemctl daemon-reload');
    const slow = 'hsd-slow.service';
    const options = { units: [slow], run: box.run, clock: systemClock, changeMs: 500 };
    const manager = new SystemdManager(options);
    await expect(manager.start(slow)).rejects.toMatchObject({ kind: 'late' });
    // It is still being started: that is a process, too.
    expect(await manager.status(slow)).toMatchObject({ state: 'running' });
    await new SystemdManager({ ...options, changeMs: 20_000 }).stop(slow);
  });

  test('a unit whose start fails says so', async () => {
    box.write('/etc/systemd/system/hsd-bad.service', '[Service]\nType=oneshot\nExecStart=/bin/false\n');
    await box.shell('systemctl daemon-reload');
    await expect(managerOf(box.run, ['hsd-bad.service']).start('hsd-bad.service')).rejects.toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('journalctl -u hsd-bad.service') as string,
    });
  });
});
