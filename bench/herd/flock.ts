import type { Target } from '../../common/names.js';
import { Resolver } from '../../sidecar/index.js';

export interface FlockOptions {
  readonly size: number;
  readonly service: string;
  readonly dns: Target;
  /** Null: DNS alone. */
  readonly url: string | null;
  /** Whether its apps have errors while the primary is gone, and ask because of them. Default true. */
  readonly busy?: boolean;
}

/** When one resolver had changed over, ms. */
export interface ChangedOver {
  /** After the catalogue changed, without having been asked to look. */
  readonly toldMs: number[];
  /** After its app's next error. */
  readonly askedMs: number[];
  /** Not within the time given. */
  readonly never: number;
}

/** Many resolvers in one process, each as an app of its own would have it. */
export class Flock {
  readonly #resolvers: Resolver[] = [];
  /** Whatever a resolver complained of. None is expected. */
  readonly complaints: string[] = [];

  private constructor(private readonly busy: boolean) {}

  /** Started over `withinMs`: apps do not all start in one moment. */
  static async start(
    { size, service, dns, url, busy = true }: FlockOptions,
    withinMs: number,
  ): Promise<Flock> {
    const flock = new Flock(busy);
    await Promise.all(
      Array.from({ length: size }, async (_, i) => {
        await pause((withinMs * i) / size);
        const resolver = new Resolver({
          service,
          dns,
          http: url === null ? false : { url },
          cacheFile: false,
          // The machine that runs all of them is busier than theirs would be.
          dnsTimeoutMs: 5_000,
        });
        for (const event of ['error', 'warning'])
          resolver.on(event, ({ message }: Error) => flock.complaints.push(message));
        flock.#resolvers.push(resolver);
        await resolver.primary();
      }),
    );
    return flock;
  }

  /**
   * What every app does when its primary is gone and another takes over: nothing, if it is told; else, at its next error,
   * it asks, and once a second from then on. Errors come within a second, spread evenly; without a busy app none comes.
   * `begun` calls back when watching, and resolves with the time of the change on the clock of `performance`.
   */
  async changeOver(to: number, begun: () => Promise<number>, forMs: number): Promise<ChangedOver> {
    const changedAtMs = new Map<Resolver, number>();
    const errorAtMs = new Map<Resolver, number>();
    for (const resolver of this.#resolvers) {
      resolver.on('change', () => {
        if (resolver.topology.primary?.port === to && !changedAtMs.has(resolver))
          changedAtMs.set(resolver, performance.now());
      });
    }
    const changeMs = await begun();
    await Promise.all(
      this.#resolvers.map(async (resolver, i) => {
        await pause(100 + (900 * i) / this.#resolvers.length);
        if (changedAtMs.has(resolver)) return;
        if (this.busy) errorAtMs.set(resolver, performance.now());
        while (!changedAtMs.has(resolver) && performance.now() < changeMs + forMs) {
          if (this.busy) resolver.refresh();
          for (let i = 0; i < 20 && !changedAtMs.has(resolver); i++) await pause(50);
        }
      }),
    );
    const toldMs: number[] = [];
    const askedMs: number[] = [];
    for (const [resolver, atMs] of changedAtMs) {
      const error = errorAtMs.get(resolver);
      if (error === undefined) toldMs.push(atMs - changeMs);
      else askedMs.push(atMs - error);
    }
    return { toldMs, askedMs, never: this.#resolvers.length - changedAtMs.size };
  }

  close(): void {
    for (const resolver of this.#resolvers) resolver.close();
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
