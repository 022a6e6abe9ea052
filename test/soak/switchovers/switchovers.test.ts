import { expect, test, vi } from 'vitest';
import { ConnectionLostError, OutcomeUnknownError, ReadOnlyError } from '../../../sidecar/index.js';
import { again } from './again.js';
import { medianOf, Pauses } from './pauses.js';
import { durationsOf, medianSteps, stepsIn } from './steps.js';
import { Tally } from './tally.js';

test('a pause is the longest time between two acknowledgements, or since the last', () => {
  const pauses = new Pauses(1_000);
  for (const atMs of [1_010, 1_400, 1_410]) pauses.acknowledged(atMs);
  expect(pauses.take(1_500)).toEqual({ fromMs: 1_010, toMs: 1_400 });
  expect(pauses.take(2_500)).toEqual({ fromMs: 1_500, toMs: 2_500 });
  expect(medianOf([3, 1, 100])).toBe(3);
  expect(medianOf([1, 2])).toBe(1.5);
});

test('a tally tells what is lost from what nobody knows, and finds what was refused', () => {
  const tally = new Tally();
  const [kept, lost, unknown, refused] = [tally.take(), tally.take(), tally.take(), tally.take()];
  tally.acknowledged(kept);
  tally.acknowledged(lost);
  tally.unknown(unknown);
  expect(tally.compare([kept, refused])).toEqual({ lost: [lost], wrong: [refused] });
  expect(tally.compare([kept, lost, unknown])).toEqual({ lost: [], wrong: [] });
});

test('the steps of a switchover are read from the agents’ logs', () => {
  const line = (ms: number, row: string) =>
    JSON.stringify({ time: new Date(ms).toISOString(), row, msg: 'what it says' });
  const old = [line(10, 'drain'), line(1_000, 'drain'), line(1_200, 'hold'), '{"row": "ho'].join('\n');
  const steps = [
    ...stepsIn(old, 'pg1', 500),
    ...stepsIn(`${line(1_300, 'promote')}\n${line(1_450, 'open-gate')}`, 'pg2', 500),
  ];
  expect(durationsOf(steps, { fromMs: 1_050, toMs: 1_500 })).toEqual({
    drain: 150,
    hold: 100,
    promote: 150,
    'open-gate': 50,
  });
  expect(medianSteps([{ drain: 200, hold: 10 }, { drain: 100 }])).toEqual({ drain: 150, hold: 10 });
});

test.each([
  [new ReadOnlyError(''), 2],
  [new ConnectionLostError(''), 2],
  [new OutcomeUnknownError(''), 1],
  [new Error('anything else'), 1],
])('an app repeats only what was certainly not executed: %s', async (error, runs) => {
  const work = vi.fn<() => Promise<string>>().mockRejectedValueOnce(error).mockResolvedValue('done');
  const onRetry = vi.fn();
  const ended = await again(work, (thrown) => thrown, undefined, 1_000, onRetry).catch(() => 'failed');
  expect([ended, work.mock.calls.length, onRetry.mock.calls.length]).toEqual([
    runs === 2 ? 'done' : 'failed',
    runs,
    runs - 1,
  ]);
});
