import { AsyncResource } from 'node:async_hooks';

/** Made when the module is loaded, which is not in the middle of a request. */
const outside = new AsyncResource('hotspare');

/**
 * Runs `fn` outside the async context of whoever is just calling. What is begun in it (sockets, timers, promises that go on)
 * outlives the request that happened to need it first, and must neither speak in its name nor keep its store alive.
 */
export function outsideRequests<T>(fn: () => T): T {
  return outside.runInAsyncScope(fn);
}
