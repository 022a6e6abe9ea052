import { targetKey, type CheckStatus } from '../../../common/names.js';
import { identity, nameOf, sorted, type Instance } from './instances.js';

/**
 * Empty is not knowledge. A catalogue that was restored from an old snapshot, or has lost its state, lacks entries whose
 * programs run on; their boxes put them back. So for so long, in ms, an entry that is not there any more stays listed.
 * One that is there and not healthy, or in maintenance, goes at once.
 */
export const doubtMs = 15_000;

/** An entry of the catalogue with the checks on it and on its node. */
export interface Entry extends Instance {
  readonly checks: readonly { readonly status: CheckStatus }[];
}

/** Which instances of a service are taken to be healthy. */
export interface Listing {
  readonly instances: readonly Instance[];
  /** Since when an instance that is still listed is missing in the catalogue: by identity, monotonic ms. */
  readonly missingSinceMs: ReadonlyMap<string, number>;
}

/** The listing of an earlier run, which wrote the file that is on disk. */
export function listingBefore(instances: readonly Instance[]): Listing {
  return { instances: sorted(instances), missingSinceMs: new Map() };
}

/** The listing after an answer of Consul. Without one before, the answer is believed as it is. */
export function listingAfter(before: Listing | undefined, answer: readonly Entry[], nowMs: number): Listing {
  // Whoever is listed under another name at the same place is not missing, either.
  const there = new Set(answer.flatMap((entry) => [identity(entry), placeOf(entry)]));
  const missing = (before?.instances ?? []).filter(
    (instance) => !there.has(identity(instance)) && !there.has(placeOf(instance)),
  );
  const kept: Listing = {
    instances: sorted([...answer.filter(isHealthy).map(instanceOf), ...missing]),
    missingSinceMs: new Map(
      missing.map((instance) => {
        const key = identity(instance);
        return [key, before?.missingSinceMs.get(key) ?? nowMs];
      }),
    ),
  };
  return listingAt(kept, nowMs);
}

/** What is left of it when no answer came meanwhile. */
export function listingAt(listing: Listing, nowMs: number): Listing {
  const over = (instance: Instance) => {
    const sinceMs = listing.missingSinceMs.get(identity(instance));
    return sinceMs !== undefined && nowMs - sinceMs >= doubtMs;
  };
  if (!listing.instances.some(over)) return listing;
  const instances = listing.instances.filter((instance) => !over(instance));
  const left = new Set(instances.map(identity));
  return {
    instances,
    missingSinceMs: new Map([...listing.missingSinceMs].filter(([key]) => left.has(key))),
  };
}

/** When the listing changes by itself next, monotonic ms. */
export function doubtEndsMs({ missingSinceMs }: Listing): number | undefined {
  return missingSinceMs.size === 0 ? undefined : Math.min(...missingSinceMs.values()) + doubtMs;
}

/** A sentence for each that is listed only because its absence is doubted. */
export function doubtTexts({ instances, missingSinceMs }: Listing): string[] {
  return instances
    .filter((instance) => missingSinceMs.has(identity(instance)))
    .map(
      (instance) =>
        `${nameOf(instance)} is missing in Consul's catalogue; it stays listed until that has been so for ${doubtMs / 1000} s`,
    );
}

/** A maintenance is a critical check as well. */
function isHealthy({ checks }: Entry): boolean {
  return checks.every(({ status }) => status === 'passing');
}

function placeOf({ address, port }: Instance): string {
  return targetKey({ host: address, port });
}

function instanceOf({ checks: _, ...instance }: Entry): Instance {
  return instance;
}
