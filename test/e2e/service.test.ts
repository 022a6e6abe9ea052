import { beforeAll, expect, test } from 'vitest';
import { hotspare, sharedLab, TestLab } from '../support/lab.js';
import { eventuallyMs } from '../support/patience.js';

const lab = new TestLab();
beforeAll(() => lab.up());
const order = async (...args: string[]) => {
  const { exitCode, stdout, stderr } = await hotspare(['service', ...args], sharedLab);
  return { exitCode, said: stdout + stderr };
};

test('the agents of the lab start, stop and restart its programs, which outlive the agent', async () => {
  const before = lab.pid('todomvc@nginx1');
  expect(await order('restart', 'todomvc@nginx1')).toEqual({
    exitCode: 0,
    said: 'todomvc on nginx1: running (todomvc@nginx1)\n',
  });
  const pid = lab.pid('todomvc@nginx1');
  expect(pid).not.toBe(before);
  await lab.command('kill', 'agent@nginx1');
  expect(lab.pid('todomvc@nginx1')).toBe(pid);
  await lab.command('start', 'agent@nginx1');
  await lab.waitForMode('read-write', eventuallyMs);
});

test('the spare is stopped and started by its agent; its keeper stays', async () => {
  const keeper = lab.pid('keeper@pg2');
  expect(await order('stop', 'pg@pg2')).toEqual({ exitCode: 0, said: 'pg on pg2: stopped (pg@pg2)\n' });
  expect(lab.service('pg@pg2').state).toBe('stopped');
  expect(await order('start', 'pg@pg2')).toEqual({ exitCode: 0, said: 'pg on pg2: running (pg@pg2)\n' });
  expect(lab.service('pg@pg2').state).toBe('running');
  expect(lab.pid('keeper@pg2')).toBe(keeper);
});
