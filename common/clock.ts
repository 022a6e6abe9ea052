/** Time as a port: the real one is in common/runtime, tests drive their own. */
export interface Clock {
  /** Monotonic milliseconds; leases, deadlines and intervals count on this. */
  nowMs(): number;
  /** Wall-clock milliseconds since 1970; for log lines and people only. */
  wallMs(): number;
  /** Calls `fn` once after `delayMs`, however long; Infinity: never. `ref: false` lets the process end before it fires. Default true. */
  after(delayMs: number, fn: () => void, options?: { ref?: boolean }): Timer;
}

export interface Timer {
  cancel(): void;
}

/** Resolves after `delayMs`; rejects with the signal's reason when aborted. */
export function sleep(
  clock: Clock,
  delayMs: number,
  options: { signal?: AbortSignal | undefined; ref?: boolean } = {},
): Promise<void> {
  const { signal } = options;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error);
    const timer = clock.after(
      delayMs,
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      { ref: options.ref ?? true },
    );
    function onAbort() {
      timer.cancel();
      reject(signal?.reason as Error);
    }
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/** Thrown by `withDeadline`. */
export class DeadlineError extends Error {
  readonly code = 'ETIMEDOUT';
  constructor(
    what: string,
    readonly deadlineMs: number,
  ) {
    super(`${what}: no answer within ${deadlineMs} ms`);
    this.name = 'DeadlineError';
  }
}

/**
 * Runs `work` with an AbortSignal that fires after `deadlineMs` (or when `parent` does), and rejects then whatever
 * `work` goes on doing. The work should end its I/O on that signal.
 */
export async function withDeadline<T>(
  clock: Clock,
  deadlineMs: number,
  what: string,
  work: (signal: AbortSignal) => Promise<T>,
  parent?: AbortSignal,
): Promise<T> {
  const controller = new AbortController();
  const onParentAbort = () => controller.abort(parent?.reason);
  if (parent?.aborted) onParentAbort();
  parent?.addEventListener('abort', onParentAbort, { once: true });
  const timer = clock.after(deadlineMs, () => controller.abort(new DeadlineError(what, deadlineMs)));
  try {
    const aborted = new Promise<never>((_, reject) => {
      if (controller.signal.aborted) reject(controller.signal.reason as Error);
      controller.signal.addEventListener('abort', () => reject(controller.signal.reason as Error), {
        once: true,
      });
    });
    aborted.catch(() => {});
    return await Promise.race([work(controller.signal), aborted]);
  } finally {
    timer.cancel();
    parent?.removeEventListener('abort', onParentAbort);
  }
}
