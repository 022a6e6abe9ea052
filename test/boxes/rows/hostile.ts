import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { waitFor } from '../../support/wait.js';
import { mend, untilWell } from '../support/health.js';
import { folder } from '../support/names.js';
import { failures, SteadyLoad } from '../support/steady.js';
import { boxes } from '../support/vagrant-boxes.js';
import { reads } from './database.js';

/** Takes its minutes: only where HOTSPARE_TEST_ALL=1 asks for it. */
const thorough = test.runIf(process.env['HOTSPARE_TEST_ALL'] === '1');
const noStackTrace = /\n\s+(at .*\(?.*:\d+:\d+\)?|from \/.*\.rb:\d+)/;

const property = (box: string, unit: string, name: string) =>
  boxes.shell(box, `systemctl show -p ${name} --value ${unit}`);

export function killed(): void {
  const deaths = [
    { box: 'nginx1', unit: 'todomvc.service', signal: 'KILL', withinMs: 30_000 },
    { box: 'pg1', unit: 'hotspare-agent.service', signal: 'KILL', withinMs: 30_000 },
    { box: 'adm1', unit: 'consul.service', signal: 'KILL', withinMs: 30_000 },
    // Its watchdog has 10 s, and systemd may look a while later.
    { box: 'nginx2', unit: 'hotspare-agent.service', signal: 'STOP', withinMs: 60_000 },
  ];
  for (const { box, unit, signal, withinMs } of deaths)
    test(`${unit} on ${box} gets SIG${signal}: systemd starts it again, no read fails`, async () => {
      const load = new SteadyLoad(boxes.urls());
      const before = await property(box, unit, 'InvocationID');
      const beganMs = performance.now();
      await boxes.shell(box, `systemctl kill --signal=${signal} --kill-whom=main ${unit}`);
      await waitFor(`${unit} to be started again`, withinMs, async () => {
        return (
          (await property(box, unit, 'InvocationID')) !== before &&
          (await property(box, unit, 'ActiveState')) === 'active'
        );
      });
      const againMs = performance.now() - beganMs;
      await untilWell();
      const failed = failures(reads(await load.stop()));
      console.log(
        `${unit} on ${box}, SIG${signal}: started again after ${againMs.toFixed(0)} ms, ${failed.length} reads failed`,
      );
      expect(failed).toEqual([]);
    });
}

export function wrongCalls(): void {
  test('a wrong topology, a bridge that is missing, a subnet in use: a sentence, and nothing is made', async () => {
    const refuses = async (environment: Record<string, string>, words: RegExp) => {
      const { exitCode, output } = await boxes.vagrant(['up'], {
        VAGRANT_DOTFILE_PATH: join(folder, 'vagrant-of-mistakes'),
        HOTSPARE_LXC_PREFIX: 'hst-x-',
        HOTSPARE_SUBNET: '192.168.92',
        ...environment,
      });
      expect([environment, exitCode, output]).toEqual([environment, 1, expect.stringMatching(words)]);
      expect(output).not.toMatch(noStackTrace);
      expect(output).not.toContain('Importing base box');
    };
    const file = join(folder, 'mistaken.json');
    writeFileSync(file, '{ "groups": [');
    await refuses({ HOTSPARE_TOPOLOGY: file }, /mistaken\.json/);
    const topology = boxes.topology();
    topology.groups.forEach((group) => (group.firstHost = 11));
    writeFileSync(file, JSON.stringify(topology));
    await refuses({ HOTSPARE_TOPOLOGY: file }, /mistaken\.json.*firstHost|mistaken\.json.*11/s);
    await refuses({ HOTSPARE_LXC_BRIDGE: 'hst-none' }, /vagrant\/lxc-bridge up/);
    rmSync(join(folder, 'vagrant-of-mistakes'), { recursive: true, force: true });
  });
}

/** At the end, when nothing is left of the boxes. */
export function nameTaken(): void {
  test('a container of that name that is not ours: said before anything is made, and left alone', async () => {
    const taken = `/var/lib/lxc/${boxes.container('nginx2')}`;
    mkdirSync(join(taken, 'rootfs'), { recursive: true });
    writeFileSync(join(taken, 'config'), `lxc.rootfs.path = dir:${taken}/rootfs\nlxc.uts.name = somebody\n`);
    try {
      const { exitCode, output } = await boxes.vagrant(['up']);
      expect([exitCode, output]).toEqual([1, expect.stringContaining(boxes.container('nginx2'))]);
      expect(output).not.toContain('Importing base box');
      expect(existsSync(join(taken, 'config'))).toBe(true);
    } finally {
      rmSync(taken, { recursive: true, force: true });
    }
  });
}

export function interrupted(): void {
  thorough('vagrant halt, then up: everything as it was', async () => {
    const halted = await boxes.must('halt');
    for (const box of boxes.names()) expect([box, await boxes.stateOf(box)]).toEqual([box, 'STOPPED']);
    const { seconds } = await boxes.must('up');
    await untilWell();
    console.log(`vagrant halt ${halted.seconds.toFixed(0)} s, up again ${seconds.toFixed(0)} s`);
  });

  thorough.each(['pg1', 'nginx1'])('sudo reboot on %s: back by itself', async (box) => {
    const boot = () =>
      boxes.shell(
        box,
        'cat /proc/sys/kernel/random/boot_id; systemctl show -p UserspaceTimestampMonotonic --value',
      );
    const before = await boot();
    const beganMs = performance.now();
    await boxes.vagrant(['ssh', box, '-c', 'sudo reboot']);
    await waitFor(`${box} to boot again`, 60_000, async () => (await boot()) !== before);
    await untilWell();
    console.log(`reboot of ${box}: all well after ${((performance.now() - beganMs) / 1000).toFixed(1)} s`);
  });

  thorough.each(['Importing base box', 'pg2: postgres', 'nginx1: todomvc'])(
    'vagrant up killed at "%s": the next one finishes',
    async (moment) => {
      await boxes.must('destroy', '-f');
      const call = boxes.start(['up']);
      const hasEnded = () => call.process.exitCode !== null;
      await waitFor(`Vagrant to say "${moment}"`, 240_000, () => call.said().includes(moment) || hasEnded());
      if (hasEnded()) throw new Error(call.said());
      await delay(300);
      call.kill();
      await call.ended;
      const again = await boxes.must('up');
      expect(again.output).not.toMatch(noStackTrace);
      await mend();
      console.log(`killed at "${moment}", finished by the next vagrant up in ${again.seconds.toFixed(0)} s`);
    },
  );
}
