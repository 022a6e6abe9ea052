/**
 * How a client tells what it has done or heard of, so that a read on the hot spare does not show less: with a token of the
 * library's, in a cookie and, for clients that keep none, in a header.
 */
export const readAfterHeader = 'X-Hotspare-Read-After';
const cookieName = 'hotspare_after';

/** In the header: the client knows of nothing in particular and wants it all. */
const newest = 'newest';

/** Longest token that is passed on; what it means is the library's to judge. */
const token = /^[\w-]{1,64}$/;

/** A day: after that a read without a token costs the primary one read. */
const cookieSeconds = 86_400;

/** The tokens of a request; none: only the primary will do. */
export function readAfter(clues: {
  readonly cookie: string | undefined;
  readonly header: string | undefined;
}): readonly string[] {
  const { cookie = '', header } = clues;
  if (header === newest || (header !== undefined && !token.test(header))) return [];
  // Several of one name, as of another path, are all sent, in no order to rely on.
  const sent = cookie
    .split(';')
    .map((pair) => pair.trim().split('='))
    .filter(([name]) => name === cookieName)
    .map(([, value = '']) => value);
  if (!sent.every((value) => token.test(value))) return [];
  return [...(header === undefined ? [] : [header]), ...sent];
}

/**
 * What to leave with a client after it asked for a change. `done`: it happened, or what there is was looked at. `unknown`: it may
 * have happened. `nothing`: it certainly did not.
 */
export function outcomeOf(status: number): 'done' | 'unknown' | 'nothing' {
  if (status < 400 || status === 404 || status === 409) return 'done';
  return status === 500 || status === 504 ? 'unknown' : 'nothing';
}

/** For `Set-Cookie`. Without a token the client has none from now on, and reads from the primary. */
export function cookieWith(given: string | null, secure: boolean): string {
  const age = given === null ? 0 : cookieSeconds;
  return `${cookieName}=${given ?? ''}; Path=/; Max-Age=${age}; HttpOnly; SameSite=Lax${secure ? '; Secure' : ''}`;
}
