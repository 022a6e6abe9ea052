import { expect, test } from 'vitest';
import { KeptFile } from '../../agent/secrets/kept.js';
import { secretText } from '../../common/secret.js';
import { ManualClock } from '../fakes/manual-clock.js';

function keptFile(read: () => Promise<string>) {
  const clock = new ManualClock();
  const said: string[] = [];
  const file = new KeptFile({
    first: 'old',
    read,
    isSame: (a, b) => a === b,
    clock,
    onNews: () => said.push('news'),
    onTrouble: (why) => said.push(why),
  });
  return { clock, file, said };
}

test('it is read at most once a second, by all who ask together', async () => {
  let reads = 0;
  const { clock, file, said } = keptFile(async () => (++reads === 1 ? 'new' : 'newer'));
  expect(await Promise.all([file.reread(), file.reread()])).toEqual([true, true]);
  expect(file.current()).toBe('new');
  await clock.advance(999);
  expect(await file.reread()).toBe(false);
  await clock.advance(1);
  expect(await file.reread()).toBe(true);
  expect([reads, file.current(), said]).toEqual([2, 'newer', ['news', 'news']]);
});

test('a file that is gone, or hangs, changes nothing, and is told of once', async () => {
  let read = () => Promise.reject<string>(new Error('no such file'));
  const { clock, file, said } = keptFile(() => read());
  for (let time = 0; time < 3; time++) {
    expect(await file.reread()).toBe(false);
    await clock.advance(1_000);
  }
  expect(said).toEqual(['no such file']);
  read = () => new Promise(() => {});
  const hanging = file.reread();
  await clock.advance(1_000);
  expect(await hanging).toBe(false);
  expect([file.current(), said.length]).toEqual(['old', 2]);
});

test.each(['word', 'word\n', 'word\r\n', 'word \t\r\n\n', '\uFEFFword\r\n'])('%j holds word', (content) => {
  expect(secretText(content)).toBe('word');
});
