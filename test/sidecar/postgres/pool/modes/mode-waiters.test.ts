import { describe, expect, test } from 'vitest';
import { ConfigError } from '../../../../../common/errors.js';
import type { Mode } from '../../../../../common/names.js';
import { DownError, ModeTimeoutError } from '../../../../../sidecar/errors.js';
import { ModeWaiters } from '../../../../../sidecar/postgres/pool/modes/mode-waiters.js';
import { ManualClock, settled } from '../../../../fakes/manual-clock.js';

const dayMs = 86_400_000;

function world(mode: Mode = 'down') {
  const clock = new ManualClock();
  const view = { mode, modeReason: 'nobody answers' };
  const waiters = new ModeWaiters(view, clock);
  const become = (next: Mode) => {
    view.mode = next;
    waiters.changed(next);
  };
  return { clock, waiters, become };
}

/** How it stands with the promise now, without waiting for it. */
function watched(promise: Promise<void>): () => Promise<unknown> {
  let outcome: unknown = 'waiting';
  promise.then(
    () => (outcome = 'there'),
    (error: unknown) => (outcome = error),
  );
  return async () => {
    await settled();
    return outcome;
  };
}
const standing = (promise: Promise<void>) => watched(promise)();

test('the list is as it was given', async () => {
  const { waiters, become } = world();
  const modes: Mode[] = ['read-write'];
  const waiting = watched(waiters.wait(modes, 10_000));
  modes[0] = 'read-only';
  become('read-only');
  expect(await waiting()).toBe('waiting');
});

test('one mode or several, and at once when it is there already', async () => {
  const { waiters, become } = world();
  expect(await standing(waiters.wait('down', 0))).toBe('there');
  const writing = watched(waiters.wait('read-write', 10_000));
  const reading = watched(waiters.wait(['read-only', 'read-write'], 10_000));
  become('read-only');
  expect(await reading()).toBe('there');
  expect(await writing()).toBe('waiting');
  become('read-write');
  expect(await writing()).toBe('there');
});

test('time runs out once, for as long a time as was given', async () => {
  const { clock, waiters } = world();
  const soon = watched(waiters.wait('read-write', 50));
  const late = watched(waiters.wait('read-write', 40 * dayMs));
  const forever = watched(waiters.wait('read-write', Infinity));
  await clock.advance(49);
  expect(await soon()).toBe('waiting');
  await clock.advance(1);
  expect(await soon()).toEqual(
    new ModeTimeoutError('still down after 50 ms, not read-write: nobody answers'),
  );
  await clock.advance(30 * dayMs);
  expect(await late()).toBe('waiting');
  await clock.advance(30 * dayMs);
  expect(await late()).toBeInstanceOf(ModeTimeoutError);
  expect(await forever()).toBe('waiting');
});

test('with the pool end those who wait, and whoever comes later', async () => {
  const { waiters } = world();
  const waiting = watched(waiters.wait('read-write', Infinity));
  waiters.end();
  const ended = new DownError('the pool was ended');
  expect(await waiting()).toEqual(ended);
  expect(await standing(waiters.wait(['read-only'], 1_000))).toEqual(ended);
  expect(await standing(waiters.wait('down', 1_000))).toBe('there');
});

describe('what cannot be meant is refused', () => {
  const modes: unknown[] = ['readwrite', undefined, null, [], ['down', 'up'], 5];
  const times: unknown[] = [undefined, NaN, -1, '100', null, -Infinity];
  test.each(modes.map((mode) => [mode]))('mode %j', async (mode) => {
    const { waiters } = world();
    const refused = await standing(waiters.wait(mode as Mode, 1_000));
    expect(refused).toBeInstanceOf(ConfigError);
    expect(refused).toMatchObject({
      key: 'mode',
      expected: 'read-write, read-only, down, or a list of them',
    });
  });
  test.each(times.map((time) => [time]))('time %s', async (timeoutMs) => {
    const { waiters } = world();
    for (const mode of ['down', 'read-write'] as const) {
      const refused = await standing(waiters.wait(mode, timeoutMs as number));
      expect(refused).toBeInstanceOf(ConfigError);
      expect(refused).toMatchObject({ key: 'timeoutMs' });
    }
  });
});
