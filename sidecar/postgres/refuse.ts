type Callback = (error: Error) => void;

/** Answers a `client.query` call with an error, in whichever of pg's ways the caller asked. */
export function refuse(error: Error, config: unknown, values: unknown, callback: unknown): unknown {
  const given = config as Partial<{ submit: unknown; callback: unknown; handleError: Callback }>;
  if (typeof given?.submit === 'function') {
    process.nextTick(() => given.handleError?.(error));
    return config;
  }
  const done = [values, callback, given?.callback].find((item) => typeof item === 'function');
  if (!done) return Promise.reject(error);
  process.nextTick(done as Callback, error);
  return undefined;
}
