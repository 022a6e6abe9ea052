import { expect, test } from 'vitest';
import { Doubt } from '../../../../agent/shell/lead/doubt.js';
import { ManualClock } from '../../../fakes/manual-clock.js';

test('asks at once, then at growing distances, and at once again when the doubt comes back', async () => {
  const clock = new ManualClock();
  const askedMs: number[] = [];
  const doubt = new Doubt({ askAnew: () => askedMs.push(clock.nowMs()) }, clock);
  const look = async (isInDoubt: boolean, forMs: number) => {
    for (let ms = 0; ms < forMs; ms += 50) {
      doubt.look(isInDoubt);
      await clock.advance(50);
    }
  };
  await look(false, 500);
  await look(true, 1_500);
  // It comes and goes.
  await look(false, 500);
  await look(true, 22_500);
  expect(askedMs).toEqual([500, 1_500, 3_500, 7_500, 15_500, 23_500]);
  await look(false, 7_000);
  await look(true, 1_000);
  expect(askedMs.slice(6)).toEqual([32_000]);
});
