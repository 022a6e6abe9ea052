import { expect, test } from 'vitest';
import { Waiters } from '../../../sidecar/shell/waiters.js';
import { ManualClock } from '../../fakes/manual-clock.js';

const target = { host: '10.0.0.1', port: 5432 };
const tooLate = () => new Error('too late');

test('whoever waits for a use is served when somebody serves that use, and only then', async () => {
  const clock = new ManualClock();
  const waiters = new Waiters();
  const waiting = waiters.wait('primary', [{ clock, ms: 100 }], tooLate);
  waiters.serve((use) => (use === 'read' ? target : undefined));
  expect(waiters.size).toBe(1);
  waiters.serve((use) => (use === 'primary' ? target : undefined));
  expect(waiters.size).toBe(0);
  await expect(waiting).resolves.toBe(target);
});

test('the first bound that is over ends it; one without end never does', async () => {
  const [clock, patience] = [new ManualClock(), new ManualClock()];
  const waiters = new Waiters();
  const outcome = waiters
    .wait(
      'main',
      [
        { clock, ms: Infinity },
        { clock: patience, ms: 100 },
      ],
      tooLate,
    )
    .catch((error: Error) => error.message);
  await clock.advance(1_000_000);
  expect(waiters.size).toBe(1);
  await patience.advance(100);
  expect(waiters.size).toBe(0);
  expect(await outcome).toBe('too late');
});

test('an error is an outcome as well', async () => {
  const waiters = new Waiters();
  const waiting = waiters.wait('main', [], tooLate);
  waiters.serve(() => new Error('ended'));
  await expect(waiting).rejects.toThrow('ended');
});
