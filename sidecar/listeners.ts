import { AsyncResource } from 'node:async_hooks';
import type { EventEmitter } from 'node:events';

type Listener = (...args: never[]) => void;
type EmitterClass = new (...args: never[]) => EventEmitter;

/** Listeners as EventEmitter's own `once` makes them: removed by what they stand for. */
const standingFor = (wrapped: Listener, listener: Listener) => Object.assign(wrapped, { listener });

/**
 * A class whose listeners of `events` run in the async context in which they were added, not in that of whatever set the
 * event off: a heartbeat belongs to no request. `off` and `listeners` know them as they were given.
 */
export function inContextOfListener<Base extends EmitterClass>(Base: Base, events: readonly string[]): Base {
  const bound = (listener: Listener) =>
    standingFor(AsyncResource.bind(listener as never) as Listener, listener);
  const boundOnce = (emitter: EventEmitter, event: string, listener: Listener) => {
    const inContext = AsyncResource.bind(listener as never) as Listener;
    const wrapped = function (this: unknown, ...args: never[]) {
      emitter.removeListener(event, wrapped as never);
      return inContext.apply(this, args);
    };
    return standingFor(wrapped, listener);
  };
  const concerns = (event: unknown, listener: unknown): event is string =>
    events.includes(event as string) && typeof listener === 'function';

  class InContextOfListener extends (Base as unknown as new (...args: unknown[]) => EventEmitter) {
    override on(event: string, listener: Listener): this {
      return super.on(event, (concerns(event, listener) ? bound(listener) : listener) as never);
    }
    override addListener(event: string, listener: Listener): this {
      return this.on(event, listener as never);
    }
    override prependListener(event: string, listener: Listener): this {
      return super.prependListener(event, (concerns(event, listener) ? bound(listener) : listener) as never);
    }
    override once(event: string, listener: Listener): this {
      if (!concerns(event, listener)) return super.once(event, listener as never);
      return super.on(event, boundOnce(this, event, listener) as never);
    }
    override prependOnceListener(event: string, listener: Listener): this {
      if (!concerns(event, listener)) return super.prependOnceListener(event, listener as never);
      return super.prependListener(event, boundOnce(this, event, listener) as never);
    }
  }
  return InContextOfListener as unknown as Base;
}
