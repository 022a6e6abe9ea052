import { expect, test } from 'vitest';
import { RefusedToken } from '../../../agent/consul/refused-token.js';
import { KeptFile } from '../../../agent/secrets/kept.js';
import { Secret } from '../../../common/secret.js';
import { ManualClock } from '../../fakes/manual-clock.js';

function looking() {
  const clock = new ManualClock();
  const file = { text: 'old', reads: 0 };
  const token = new KeptFile({
    first: new Secret('old'),
    read: async () => {
      file.reads += 1;
      return new Secret(file.text);
    },
    isSame: (a, b) => a.reveal() === b.reveal(),
    clock,
    onNews: () => {},
    onTrouble: () => {},
  });
  const replaced: number[] = [];
  const refused = new RefusedToken(token, clock, () => replaced.push(clock.nowMs()));
  return { clock, file, refused, replaced, token };
}

test('a token that is replaced long after it was refused is noticed within about a second', async () => {
  const { clock, file, refused, replaced, token } = looking();
  refused.refused(token.current());
  await clock.advance(10_250);
  file.text = 'new';
  const replacedMs = clock.nowMs();
  await clock.advance(5_000);
  expect(replaced).toHaveLength(1);
  expect(replaced[0]! - replacedMs).toBeLessThanOrEqual(1_500);
  expect(token.current().reveal()).toBe('new');
});

test('another call that finds the new one first leaves nobody waiting', async () => {
  const { clock, file, refused, replaced, token } = looking();
  refused.refused(token.current());
  file.text = 'new';
  await token.reread();
  await clock.advance(1_000);
  expect(replaced).toHaveLength(1);
});

test('who is refused no more does not look for ever', async () => {
  const { clock, file, refused, token } = looking();
  refused.refused(token.current());
  await clock.advance(60_000);
  const before = file.reads;
  expect(before).toBeGreaterThan(20);
  await clock.advance(60_000);
  expect(file.reads).toBe(before);
});

test('stopped, it is silent', async () => {
  const { clock, file, refused, replaced, token } = looking();
  refused.refused(token.current());
  file.text = 'new';
  refused.stop();
  await clock.advance(10_000);
  expect([replaced, file.reads]).toEqual([[], 0]);
});
