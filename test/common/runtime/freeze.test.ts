import { spawn } from 'node:child_process';
import { expect, test } from 'vitest';
import { sleep } from '../../../common/clock.js';
import { systemClock } from '../../../common/runtime/clock.js';
import { familyOf } from '../../../common/runtime/processes/proc.js';
import { freezeAll, signalAll } from '../../../common/runtime/processes/signals.js';
import { eventuallyMs } from '../../support/patience.js';
import { waitFor } from '../../support/wait.js';

test('a program that starts others all the time stands still as a whole once it is frozen', async () => {
  const program = spawn('sh', ['-c', 'while :; do sleep 1 & sleep 0.01; done'], {
    detached: true,
    stdio: 'ignore',
  });
  const family = () => familyOf(program.pid!);
  try {
    await waitFor('its children', eventuallyMs, () => family().length > 3);
    await freezeAll('program', family);
    const frozen = family();
    // D: a shell that waits in vfork for the one that it starts.
    expect(frozen.filter(({ state }) => state !== 'T' && state !== 'D')).toEqual([]);
    await sleep(systemClock, 300);
    expect(family().map(({ pid }) => pid)).toEqual(frozen.map(({ pid }) => pid));
  } finally {
    signalAll(family(), 'SIGKILL');
  }
});

test('one that waits in vfork for a child that is stopped stands still as well', async () => {
  // Beyond what the kernel gives: none of them is there to be signalled.
  const [shell, child] = [2 ** 23 + 1, 2 ** 23 + 2];
  const one = (pid: number, parent: number, state: string) => ({
    pid,
    name: 'sh',
    state,
    parent,
    session: pid,
    startTicks: 0,
  });
  await freezeAll('program', () => [one(shell, 1, 'D'), one(child, shell, 'T')]);
});
