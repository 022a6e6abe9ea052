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

/** Also to a savepoint. As every ORM writes it: a text, or an object with one. */
export function isRollback(config: unknown): boolean {
  const text = typeof config === 'string' ? config : (config as { text?: unknown } | null)?.text;
  return typeof text === 'string' && /^\s*(rollback|abort)\b/i.test(text);
}
