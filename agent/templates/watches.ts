import type { Clock } from '../../common/clock.js';
import type { Log } from '../../common/runtime/log.js';
import type { ConsulPort, Instance } from '../ports.js';
import { sorted, withMissing } from './instances.js';

/**
 * After Consul was away, services re-register and checks turn passing one by one. For so long, in ms, an instance known
 * from before is not taken out just because it is not back yet.
 */
export const settleMs = 15_000;

interface Watched {
  readonly listeners: Set<() => void>;
  /** Undefined until Consul answered once. */
  instances: readonly Instance[] | undefined;
  newest: readonly Instance[];
  away: boolean;
  settleUntilMs: number;
}

export interface WatchesOptions {
  readonly consul: Pick<ConsulPort, 'watchPassing'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** One watch per service, shared by all templates; the last known good is kept while Consul does not answer. */
export class Watches {
  private readonly watched = new Map<string, Watched>();

  constructor(private readonly options: WatchesOptions) {}

  /** Passing instances, sorted; undefined while Consul has not answered yet. The listener hears of every change. */
  get(service: string, listener: () => void): readonly Instance[] | undefined {
    const watched = this.watched.get(service) ?? this.start(service);
    watched.listeners.add(listener);
    return watched.instances;
  }

  private start(service: string): Watched {
    const { consul, log, signal, clock } = this.options;
    const watched: Watched = {
      listeners: new Set(),
      instances: undefined,
      newest: [],
      away: false,
      settleUntilMs: -Infinity,
    };
    this.watched.set(service, watched);
    const watcher = {
      onInstances: (instances: readonly Instance[]) => {
        watched.newest = sorted(instances);
        if (watched.away && watched.instances) {
          watched.settleUntilMs = clock.nowMs() + settleMs;
          clock.after(settleMs, () => this.settle(watched), { ref: false });
        }
        watched.away = false;
        this.settle(watched);
      },
      onUnavailable: (why: Error) => {
        watched.away = true;
        const kept = watched.instances
          ? 'the last known instances are kept'
          : 'nothing is rendered until it answers';
        log.warn(`${why.message}; ${service} cannot be followed: ${kept}`);
      },
    };
    consul.watchPassing(service, watcher, signal).catch((error: unknown) => log.error(error));
    return watched;
  }

  private settle(watched: Watched): void {
    if (this.options.signal.aborted) return;
    const { newest, instances: before } = watched;
    const settling = this.options.clock.nowMs() < watched.settleUntilMs;
    const next = settling && before ? sorted(withMissing(newest, before)) : newest;
    if (before && JSON.stringify(next) === JSON.stringify(before)) return;
    watched.instances = next;
    for (const listener of watched.listeners) listener();
  }
}
