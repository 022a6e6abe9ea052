import type { Clock, Timer } from '../../common/clock.js';
import type { HealthEntry } from '../../common/consul/json.js';
import type { Log } from '../../common/runtime/log.js';
import {
  doubtEndsMs,
  doubtTexts,
  listingAfter,
  listingAt,
  listingBefore,
  type Listing,
} from '../core/catalogue/absence.js';
import type { Instance } from '../core/catalogue/instances.js';
import type { ConsulPort } from '../ports.js';

interface Watched {
  readonly listeners: Set<() => void>;
  /** Undefined until Consul answered once, unless an earlier run left one. */
  listing: Listing | undefined;
  answered: boolean;
  timer: Timer | undefined;
}

export interface WatchesOptions {
  readonly consul: Pick<ConsulPort, 'watchService'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** One watch per service, shared by all templates; the last known good is kept while Consul does not answer. */
export class Watches {
  private readonly watched = new Map<string, Watched>();

  constructor(private readonly options: WatchesOptions) {}

  /** The healthy instances, sorted; undefined while Consul has not answered yet. The listener hears of every change. */
  get(service: string, listener: () => void): readonly Instance[] | undefined {
    const watched = this.of(service);
    watched.listeners.add(listener);
    return watched.answered ? watched.listing?.instances : undefined;
  }

  /** What an earlier run of this agent listed: whoever of them is missing in the first answer is doubted, too. */
  remember(service: string, instances: readonly Instance[]): void {
    const watched = this.of(service);
    watched.listing ??= listingBefore(instances);
  }

  /** A sentence for each instance that is listed only because its absence is doubted. */
  doubts(service: string): string[] {
    const listing = this.watched.get(service)?.listing;
    return listing ? doubtTexts(listing) : [];
  }

  private of(service: string): Watched {
    const known = this.watched.get(service);
    if (known) return known;
    const { consul, log, signal } = this.options;
    const watched: Watched = {
      listeners: new Set(),
      listing: undefined,
      answered: false,
      timer: undefined,
    };
    this.watched.set(service, watched);
    const watcher = {
      onEntries: (entries: readonly HealthEntry[]) => this.answered(service, watched, entries),
      onUnavailable: (why: Error) => {
        const kept = watched.answered
          ? 'the last known instances are kept'
          : 'nothing is rendered until it answers';
        log.warn(`${why.message}; ${service} cannot be followed: ${kept}`);
      },
    };
    // It rejects only with a fault of ours, which ends the agent.
    void consul.watchService(service, watcher, signal);
    return watched;
  }

  private answered(service: string, watched: Watched, entries: readonly HealthEntry[]): void {
    const { clock, log } = this.options;
    const doubtedBefore = new Set(this.doubts(service));
    const first = !watched.answered;
    watched.answered = true;
    this.take(watched, listingAfter(watched.listing, entries, clock.nowMs()), first);
    for (const doubt of this.doubts(service)) if (!doubtedBefore.has(doubt)) log.warn(doubt);
  }

  private take(watched: Watched, listing: Listing, anyway = false): void {
    const { clock, signal } = this.options;
    if (signal.aborted) return;
    const before = watched.listing;
    watched.listing = listing;
    watched.timer?.cancel();
    const endsMs = doubtEndsMs(listing);
    watched.timer =
      endsMs === undefined
        ? undefined
        : clock.after(
            Math.max(0, endsMs - clock.nowMs()),
            () => this.take(watched, listingAt(listing, clock.nowMs())),
            { ref: false },
          );
    if (!anyway && before && JSON.stringify(listing.instances) === JSON.stringify(before.instances)) return;
    for (const listener of watched.listeners) listener();
  }
}
