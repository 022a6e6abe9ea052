import { Resolver } from '../sidecar/index.js';
import type { ConsulAgent } from './servers.js';
import { spread, type Spread } from './statistics.js';

export interface ResolverReport {
  readonly lookups: number;
  /** ms */
  readonly emptyCacheMs: Spread;
  /** µs */
  readonly cachedUs: Spread;
}

/** `primary()` with nothing known, and again with the answer known; in a warm process. */
export async function resolverLatency(
  consul: ConsulAgent,
  { quick }: { quick: boolean },
): Promise<ResolverReport> {
  const lookups = quick ? 50 : 300;
  const empty: number[] = [];
  const cached: number[] = [];
  for (let i = -20; i < lookups; i++) {
    const resolver = new Resolver({ dns: consul.dns, http: { url: consul.url }, cacheFile: false });
    const startedMs = performance.now();
    await resolver.primary();
    const firstMs = performance.now();
    await resolver.primary();
    const secondMs = performance.now();
    resolver.close();
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (i < 0) continue;
    empty.push(firstMs - startedMs);
    cached.push((secondMs - firstMs) * 1_000);
  }
  return { lookups, emptyCacheMs: spread(empty), cachedUs: spread(cached) };
}
