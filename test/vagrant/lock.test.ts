import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '../../common/runtime/clock.js';
import { lockAddress, tryLock } from '../../common/runtime/files/lock.js';
import { withStateLock } from '../../vagrant/lock.js';
import { removeLeftOvers } from '../../vagrant/prepare/left-overs.js';
import { stateFiles } from '../../vagrant/state.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hotspare-state-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const locked = <T>(work: () => Promise<T>, waitMs?: number) =>
  withStateLock(
    { state: folder, clock: systemClock, signal, ...(waitMs === undefined ? {} : { waitMs }) },
    work,
  );

test('calls wait for each other: never two at once, all of them in the end', async () => {
  let inside = 0;
  const done: number[] = [];
  const call = (n: number) =>
    locked(async () => {
      expect(++inside).toBe(1);
      await new Promise((resolve) => setImmediate(resolve));
      inside--;
      done.push(n);
    });
  await Promise.all([1, 2, 3, 4].map(call));
  expect(done.sort()).toEqual([1, 2, 3, 4]);
});

test('who waited for too long is told for whom', async () => {
  await locked(async () => {
    await expect(locked(async () => {}, 0)).rejects.toThrow(
      `another call prepares these boxes (pid ${process.pid}): try again when it has ended`,
    );
  });
});

test('a failure frees it', async () => {
  await expect(locked(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await locked(async () => 'taken', 0)).toBe('taken');
});

test('a socket file, where the system knows nothing better: freed by its end, also a sudden one', async () => {
  const address = join(folder, 'lock');
  const lock = await tryLock(address, 'first');
  expect(await tryLock(address, 'second')).toEqual({ state: 'held', says: 'first' });
  if (lock.state === 'taken') lock.release();
  const script = `require('net').createServer().listen(${JSON.stringify(address)}, () => console.log('held'))`;
  const holder = spawn(process.execPath, ['-e', script]);
  await once(holder.stdout, 'data');
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  expect(existsSync(address)).toBe(true);
  const again = await tryLock(address, 'third');
  expect(again.state).toBe('taken');
  if (again.state === 'taken') again.release();
});

test.each([
  ['linux', /^\0boxes:[0-9a-f]{32}$/],
  ['win32', /^\\\\\.\\pipe\\boxes-[0-9a-f]{32}$/],
  ['darwin', /\/boxes-[0-9a-f]{32}$/],
] as const)('%s has its kind of address', (platform, pattern) => {
  expect(lockAddress('boxes', '/project', platform)).toMatch(pattern);
  expect(lockAddress('boxes', '/project', platform)).not.toBe(lockAddress('boxes', '/other', platform));
});

test('what killed calls left goes, what is finished stays', () => {
  const files = stateFiles(folder);
  for (const path of [files.payload, files.packages, files.tls]) mkdirSync(path);
  mkdirSync(join(files.payload, 'pg1.new/files'), { recursive: true });
  mkdirSync(join(files.packages, 'fetch-abc'));
  mkdirSync(join(files.tls, 'making-abc'));
  for (const path of ['payload/pg1.json.new', 'packages/hotspare-1.tgz.part', 'tls/given-key.pem.new'])
    writeFileSync(join(folder, path), '');
  for (const path of ['payload/pg1.json', 'packages/hotspare-1.tgz', 'tls/own-key.pem'])
    writeFileSync(join(folder, path), '');
  removeLeftOvers(files);
  expect(readdirSync(files.payload)).toEqual(['pg1.json']);
  expect(readdirSync(files.packages)).toEqual(['hotspare-1.tgz']);
  expect(readdirSync(files.tls)).toEqual(['own-key.pem']);
  removeLeftOvers(stateFiles(join(folder, 'none')));
});
