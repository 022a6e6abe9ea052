import { given, isSubmittable, textOf } from '../given.js';

/** Answers a `client.query` call with an error, in whichever of pg's ways the caller asked. */
export function refuse(error: Error, config: unknown, values: unknown, callback: unknown): unknown {
  const own = given(config);
  if (isSubmittable(config)) {
    process.nextTick(() => {
      if (typeof own.handleError === 'function') Reflect.apply(own.handleError, config, [error]);
    });
    return config;
  }
  const done = [values, callback, own.callback].find((one) => typeof one === 'function');
  if (!done) return Promise.reject(error);
  process.nextTick(done, error);
  return undefined;
}

/** Also to a savepoint. As every ORM writes it: a text, or an object with one. */
export const isRollback = (config: unknown): boolean => /^\s*(rollback|abort)\b/i.test(textOf(config) ?? '');
