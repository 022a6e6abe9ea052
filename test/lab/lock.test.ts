import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { lockName, withLock } from '../../lab/lock.js';
import { eventuallyMs } from '../support/patience.js';
import { waitFor } from '../support/wait.js';

let locks = 0;
const someLock = () => `/test/${process.pid}/${locks++}`;

test('a held lock refuses and names its holder; released it can be taken', async () => {
  const lock = someLock();
  await withLock(lock, 'first', async () => {
    const second = withLock(lock, 'second', async () => {});
    await expect(second).rejects.toThrow(
      new RegExp(`^"first" is at work on this lab \\(pid ${process.pid}\\): wait`),
    );
  });
  expect(await withLock(lock, 'third', async () => 'taken')).toBe('taken');
});

test('it is released when the work fails', async () => {
  const lock = someLock();
  await expect(withLock(lock, 'first', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await withLock(lock, 'second', async () => 'taken')).toBe('taken');
});

test('of many at once exactly one gets in', async () => {
  const lock = someLock();
  let inside = 0;
  let refused = 0;
  let release = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  await Promise.all(
    Array.from({ length: 20 }, () =>
      withLock(lock, 'one of many', async () => {
        inside++;
        await held;
      }).catch(() => {
        if (++refused === 19) release();
      }),
    ),
  );
  expect([inside, refused]).toEqual([1, 19]);
});

test('the kernel frees the lock of a process that was killed', async () => {
  const lock = someLock();
  const script = `require('net').createServer().listen(${JSON.stringify(lockName(lock))}, () => console.log('held'))`;
  const holder = spawn(process.execPath, ['-e', script]);
  await once(holder.stdout, 'data');
  await expect(withLock(lock, 'second', async () => {})).rejects.toThrow(/at work on this lab/);
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  await waitFor('the lock to be free', eventuallyMs, () => withLock(lock, 'third', async () => true));
});
