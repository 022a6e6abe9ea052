import { messageOf } from '../errors.js';

/** One of the things a program does at the same time as others, until it is told to stop. */
export type Actor = (signal: AbortSignal) => Promise<void>;

/** Resolves when the signal fires, or has fired: what an actor does that has nothing else to do. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/**
 * Runs actors together: the first to end, in either way, stops all the others, and `signal` stops all. Resolves once every one
 * of them has ended; rejects then with the error of the one that ended first by itself, or, if that had none, with the first
 * error of another. An actor that rejects with the very reason it was stopped for has stopped in good order.
 */
export async function runGroup(actors: readonly Actor[], signal?: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const pass = () => stop.abort(signal?.reason);
  if (signal?.aborted) pass();
  signal?.addEventListener('abort', pass, { once: true });
  const errors: unknown[] = [];
  try {
    await Promise.all(
      actors.map(async (actor) => {
        try {
          await actor(stop.signal);
          stop.abort(new Error('another part of the program has ended'));
        } catch (error) {
          if (!(stop.signal.aborted && error === stop.signal.reason)) errors.push(error);
          stop.abort(new Error(`another part of the program has failed: ${messageOf(error)}`));
        }
      }),
    );
  } finally {
    signal?.removeEventListener('abort', pass);
  }
  if (errors.length > 0) throw errors[0];
}

/**
 * Does work together that must all succeed: the first that fails stops the rest, and nothing runs any more when this
 * rejects, with that first error.
 */
export async function allOrNone<T>(
  work: readonly ((signal: AbortSignal) => Promise<T>)[],
  signal?: AbortSignal,
): Promise<T[]> {
  const stop = new AbortController();
  const either = signal ? AbortSignal.any([signal, stop.signal]) : stop.signal;
  const results = await Promise.allSettled(
    work.map(async (each) => {
      try {
        return await each(either);
      } catch (error) {
        if (!stop.signal.aborted) stop.abort(error);
        throw error;
      }
    }),
  );
  if (stop.signal.aborted) throw stop.signal.reason;
  return results.map((result) => (result as PromiseFulfilledResult<T>).value);
}
