import { expect, test } from 'vitest';
import { streaming, untilWell } from '../support/health.js';
import { difference, snapshot } from '../support/snapshot.js';
import { boxes } from '../support/vagrant-boxes.js';

/** All Vagrant and provisioning have said so far: searched for secrets further down. */
export let said = '';

export function up(): void {
  test('vagrant up: five boxes, all running', async () => {
    const { output, seconds } = await boxes.must('up');
    said += output;
    const steps = [...output.matchAll(/✓ (.*?)  +([\d.]+ s)/g)].map(([, what, took]) => `${what} ${took}`);
    console.log(`vagrant up: five boxes after ${seconds.toFixed(0)} s (of these: ${steps.join(', ')})`);
    for (const box of boxes.names())
      expect([box, await boxes.shell(box, 'systemctl is-system-running || true')]).toEqual([box, 'running']);
    expect(output).toContain(`todo list   ${boxes.urls()[0]}`);
    expect(await streaming()).toBe('1');
    await untilWell(60_000);
  });

  test('vagrant up again: nothing is made, sent or started', async () => {
    const before = await snapshot();
    const { output, seconds } = await boxes.must('up');
    console.log(`vagrant up again: nothing to do, ${seconds.toFixed(1)} s`);
    expect(output).not.toMatch(/Importing|Booting|Starting container|Running provisioner/);
    expect(difference(before, await snapshot())).toEqual([]);
  });

  test('vagrant provision again: no file changed, no service restarted', async () => {
    const before = await snapshot();
    expect(before.filter((line) => line.includes(' unit ')).length).toBeGreaterThan(25);
    const { output, seconds } = await boxes.must('provision');
    said += output;
    console.log(
      `vagrant provision again: nothing changed, ${seconds.toFixed(1)} s, ${before.length} files and units compared`,
    );
    expect(output.match(/^ +\w+: {3}(\+|start|restart|reload|clone|make) .*/gm)).toBeNull();
    expect(difference(before, await snapshot())).toEqual([]);
  });
}
