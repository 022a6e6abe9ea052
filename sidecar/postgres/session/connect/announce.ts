/** What becomes of a `connect`, in pg's order: the caller hears of it first, then whoever listens. */
export interface Outcome<T> {
  readonly value: T;
  /** The last word on how it went, just before it is told. Null: it is connected. */
  settle(failure: Error | null): Error | null;
  /** After the caller was told. */
  connected(): void;
  failed(): void;
}

export type Connected<T> = (error: Error | null, value?: T) => void;

/**
 * Tells the outcome to `done`, outside of any promise: what it throws is thrown as with pg. What the caller does then, to end
 * the session for one, meets a session that is connected.
 */
function announce<T>(opened: Promise<void>, outcome: Outcome<T>, done: Connected<T>): void {
  const tell = (failure: Error | null) => {
    const error = outcome.settle(failure);
    try {
      if (error) done(error);
      else done(null, outcome.value);
    } finally {
      if (error) process.nextTick(() => outcome.failed());
      else outcome.connected();
    }
  };
  opened.then(
    () => process.nextTick(tell, null),
    (error: Error) => process.nextTick(tell, error),
  );
}

/** The same in whichever of pg's ways the caller asked: by a callback, else by a promise of the app's own kind. */
export function answer<T>(
  OwnPromise: PromiseConstructor,
  opened: Promise<void>,
  outcome: Outcome<T>,
  done: Connected<T> | undefined,
): Promise<T> | void {
  if (done) return announce(opened, outcome, done);
  return new OwnPromise<T>((resolve, reject) =>
    announce(opened, outcome, (error) => (error ? reject(error) : resolve(outcome.value))),
  );
}
