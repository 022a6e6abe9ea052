import { expect, test } from 'vitest';
import { Beat } from '../../../../agent/drivers/postgres/session/beat.js';
import { settled, ManualClock } from '../../../fakes/manual-clock.js';

function beating() {
  const clock = new ManualClock();
  const asked: { atMs: number; answer: () => void; fail: () => void }[] = [];
  const missedMs: number[] = [];
  const beat = new Beat({
    clock,
    everyMs: 250,
    deadlineMs: 600,
    ask: () =>
      new Promise<void>((answer, reject) =>
        asked.push({ atMs: clock.nowMs(), answer, fail: () => reject(new Error('cancelled')) }),
      ),
    onMissed: () => missedMs.push(clock.nowMs()),
  });
  return { asked, beat, clock, missedMs };
}

test('asks again a pause after each answer, be it an error', async () => {
  const { asked, clock, missedMs } = beating();
  await clock.advance(250);
  asked[0]!.answer();
  await clock.advance(300);
  asked[1]!.fail();
  await clock.advance(250);
  expect(asked.map(({ atMs }) => atMs)).toEqual([250, 500, 800]);
  expect(missedMs).toEqual([]);
});

test('a missed answer is told once, and asking goes on after it came', async () => {
  const { asked, beat, clock, missedMs } = beating();
  await clock.advance(5_000);
  expect([asked.length, missedMs, beat.isMissing]).toEqual([1, [850], true]);
  asked[0]!.answer();
  await clock.advance(250);
  expect([asked.length, beat.isMissing]).toEqual([2, false]);
});

test('other work waits for the answer that is owed, and no question comes beside it', async () => {
  const { asked, beat, clock } = beating();
  await clock.advance(250);
  let end = () => {};
  let began = false;
  const work = beat.instead(() => {
    began = true;
    return new Promise<void>((resolve) => (end = resolve));
  });
  await settled();
  expect(began).toBe(false);
  asked[0]!.answer();
  await clock.advance(1_000);
  expect([began, asked.length]).toEqual([true, 1]);
  end();
  await work;
  await clock.advance(250);
  expect(asked.length).toBe(2);
});

test('stopped, it asks no more', async () => {
  const { asked, beat, clock, missedMs } = beating();
  await clock.advance(250);
  beat.stop();
  asked[0]!.answer();
  await clock.advance(5_000);
  expect([asked.length, missedMs]).toEqual([1, []]);
});

test('another answer stands for its own: the next question comes a pause after it, but one that is owed is still missed', async () => {
  const { asked, beat, clock, missedMs } = beating();
  await clock.advance(200);
  beat.postpone();
  await clock.advance(249);
  expect(asked).toEqual([]);
  await clock.advance(1);
  expect(asked.map(({ atMs }) => atMs)).toEqual([450]);
  await clock.advance(300);
  beat.postpone();
  await clock.advance(300);
  expect(missedMs).toEqual([1_050]);
});
