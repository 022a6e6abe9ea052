const origins = new WeakMap<object, object>();

/** Notes on which session an error came about; on the first, if it is passed on. */
export function cameFrom<E>(error: E, session: object): E {
  if (typeof error === 'object' && error !== null && !origins.has(error)) origins.set(error, session);
  return error;
}

/** The session that an error is from, as far as that is known. Who runs things inside other things can tell them apart. */
export function isFrom(error: unknown, session: object): boolean {
  return typeof error === 'object' && error !== null && origins.get(error) === session;
}
