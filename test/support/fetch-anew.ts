/**
 * One request on a connection of its own. A kept one may be closed by the server at the very moment in which it is used again, and on a
 * busy machine it is.
 */
export const fetchAnew = (url: string | URL, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(init.headers);
  headers.set('connection', 'close');
  return fetch(url, { ...init, headers });
};
