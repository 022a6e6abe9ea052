import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { withLock } from '../../lab/lock.js';

const folder = mkdtempSync(join(tmpdir(), 'hotspare-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = join(folder, 'lock');

test('a held lock refuses and names its holder; released it can be taken', async () => {
  await withLock(file, 'first', async () => {
    await expect(withLock(file, 'second', async () => {})).rejects.toThrow(
      new RegExp(`"first" is at work.*pid ${process.pid}`),
    );
  });
  expect(await withLock(file, 'third', async () => 'taken')).toBe('taken');
});

test.each([
  ['of a process that has died', JSON.stringify({ pid: 2 ** 22 + 1, startTicks: 1, what: 'dead' })],
  ['of a pid that now is another process', JSON.stringify({ pid: 1, startTicks: -1, what: 'reused' })],
  ['half written', '{"pid":'],
])('a lock %s is taken over', async (_what, content) => {
  writeFileSync(file, content);
  expect(await withLock(file, 'next', async () => 'taken')).toBe('taken');
});
