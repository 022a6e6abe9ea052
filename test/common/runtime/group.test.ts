import { describe, expect, test } from 'vitest';
import { allOrNone, runGroup, type Actor } from '../../../common/runtime/group.js';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** Notes when it has ended, some turns after it was told to. */
function actor(name: string, ended: string[]): Actor {
  return async (signal) => {
    await untilAborted(signal);
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
    ended.push(name);
  };
}

describe('a group', () => {
  test('the first that ends stops the others, and all are awaited', async () => {
    const ended: string[] = [];
    await runGroup([actor('a', ended), async () => {}, actor('b', ended)]);
    expect(ended).toEqual(['a', 'b']);
  });

  test('the first that fails stops the others, and its error is what comes of it', async () => {
    const ended: string[] = [];
    const first = new Error('first');
    const later: Actor = async (signal) => {
      await untilAborted(signal);
      throw new Error('second');
    };
    const failing: Actor = () => Promise.reject(first);
    await expect(runGroup([actor('a', ended), failing, later])).rejects.toBe(first);
    expect(ended).toEqual(['a']);
  });

  test('one that throws before its first wait is no exception', async () => {
    const throwing: Actor = () => {
      throw new Error('at once');
    };
    await expect(runGroup([actor('a', []), throwing])).rejects.toThrow('at once');
  });

  test.each([
    ['before', true],
    ['meanwhile', false],
  ])('the signal, %s, stops all; to reject with its reason is to stop in good order', async (_, early) => {
    const ended: string[] = [];
    const stop = new AbortController();
    if (early) stop.abort(new Error('SIGTERM'));
    const strict: Actor = async (signal) => {
      await untilAborted(signal);
      signal.throwIfAborted();
    };
    const group = runGroup([actor('a', ended), strict], stop.signal);
    stop.abort(new Error('SIGTERM'));
    await group;
    expect(ended).toEqual(['a']);
  });

  test('an error while stopping is not lost', async () => {
    const late: Actor = async (signal) => {
      await untilAborted(signal);
      throw new Error('cannot close');
    };
    await expect(runGroup([async () => {}, late])).rejects.toThrow('cannot close');
  });
});

describe('all or none', () => {
  test('all', async () => {
    expect(await allOrNone([async () => 1, async () => 2])).toEqual([1, 2]);
  });

  test('the first that fails stops the rest, which have ended when it rejects', async () => {
    const ended: string[] = [];
    const work = [actor('a', ended), () => Promise.reject(new Error('no'))];
    await expect(allOrNone(work)).rejects.toThrow('no');
    expect(ended).toEqual(['a']);
  });

  test('told to stop from outside, it rejects when one does', async () => {
    const stop = new AbortController();
    const work = allOrNone(
      [
        async (signal) => {
          await untilAborted(signal);
          signal.throwIfAborted();
        },
      ],
      stop.signal,
    );
    stop.abort(new Error('Ctrl-C'));
    await expect(work).rejects.toThrow('Ctrl-C');
  });
});
