import { EventEmitter } from 'node:events';
import type { Clock } from '../common/clock.js';
import { targetKey, type Role, type Target } from '../common/names.js';
import type { Random } from '../common/random.js';
import { systemAwake, systemClock, systemRandom } from '../common/runtime/clock.js';
import { outsideRequests } from '../common/runtime/context.js';
import { environment } from '../common/runtime/environment.js';
import { CacheFile } from './cache/file.js';
import { parseDiscovery, type DiscoverySettings, type SharedDiscovery } from './config/discovery.js';
import type { DiscoveryOptions } from './discovery-options.js';
import { ConsulWakeUps } from './consul/wake-ups.js';
import type { Lookup } from './core/model.js';
import { DnsDirectory } from './dns/directory.js';
import { DownError } from './errors.js';
import { inContextOfListener } from './listeners.js';
import type { Directory, Proposal } from './ports.js';
import { Discovery } from './shell/discovery.js';

/**
 * What Consul proposes, as far as known. Sessions prove what is true: see {@link Pool.topology} for that.
 *
 * @category Resolver
 */
export interface ProposedTopology {
  /** Whom Consul names primary. Null: nobody, or nothing is known yet. */
  readonly primary: Target | null;
  /** Whom Consul names replicas. */
  readonly replicas: readonly Target[];
  /**
   * Where the newest of it came from: Consul's DNS or HTTP API, the file of last known members, or `hosts`. Null before
   * anything is known.
   */
  readonly source: 'dns' | 'http' | 'cache' | 'static' | null;
  /** False while Consul does not answer; what is shown is then the last known. */
  readonly reachable: boolean;
}

export interface ResolverParts {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly directory?: Directory;
  readonly settings?: DiscoverySettings;
}

/**
 * Finds the members of a service with roles through Consul. Keeps looking in the background from the first use on,
 * without keeping the process alive. It tells what Consul proposes; only a session proves it, so use a {@link Pool} to
 * connect. Several pools may share one: `new Pool({ hotspare: resolver })`.
 *
 * Events: `change` (the new {@link ProposedTopology}), `warning` (an Error about the file of last known members; nothing
 * that stops it from working).
 *
 * @example
 * ```js
 * import { Resolver } from 'hotspare';
 *
 * const resolver = new Resolver({ service: 'pg' });
 * console.log(await resolver.primary()); // { host: '10.0.0.11', port: 5432 }
 * resolver.on('change', ({ primary, replicas }) => console.log(primary, replicas));
 * resolver.on('warning', (warning) => console.warn(warning.message));
 * resolver.close();
 * ```
 *
 * @category Resolver
 */
export class Resolver
  extends inContextOfListener(EventEmitter, ['change', 'warning'])
  implements SharedDiscovery
{
  /** @internal */
  readonly settings: DiscoverySettings;
  readonly #discovery: Discovery;
  #topology: ProposedTopology = { primary: null, replicas: [], source: null, reachable: true };
  #unsubscribe: (() => void) | undefined;
  #closed = false;

  /**
   * From settings that were parsed already.
   * @internal
   */
  static of(settings: DiscoverySettings): Resolver {
    return new Resolver({}, { settings });
  }

  /**
   * Asks nobody yet.
   *
   * @param options - Left out: the service `pg`, by what the environment says of Consul.
   * @throws {@link ConfigError}, naming the key, its value and what was expected.
   */
  constructor(options?: DiscoveryOptions);
  /**
   * `parts` is for tests.
   * @internal
   */
  constructor(options: DiscoveryOptions, parts: ResolverParts);
  constructor(options: DiscoveryOptions = {}, parts: ResolverParts = {}) {
    super();
    const settings = parts.settings ?? parseDiscovery(options, '', environment)!;
    this.settings = settings;
    const clock = parts.clock ?? systemClock;
    const random = parts.random ?? systemRandom;
    const { service, domain, dns, http, hosts, cacheFile, timings } = settings;
    this.#discovery = new Discovery({
      directory:
        parts.directory ??
        (hosts
          ? fixed(hosts)
          : new DnsDirectory({
              server: dns,
              service,
              domain,
              timeoutMs: timings.dnsTimeoutMs,
              clock: parts.clock ?? systemAwake,
            })),
      wakeUps: http && !hosts ? new ConsulWakeUps({ ...http, service, domain, clock, random }) : null,
      cache:
        cacheFile === null
          ? null
          : new CacheFile({
              path: cacheFile,
              source: `${service}.service.${domain} at ${targetKey(dns)}`,
              onWarning: (warning) => this.#tell('warning', warning),
            }),
      source: hosts ? 'static' : 'dns',
      clock,
      random,
      timings: { refreshMs: timings.refreshMs, afterWakeMs: [60, 200], minGapMs: 20 },
    });
  }

  /** What is known now. Never waits, never asks. */
  get topology(): ProposedTopology {
    return this.#topology;
  }

  /**
   * The member that Consul names primary: at once when known, else after one lookup, of `dnsTimeoutMs` (800 ms) at most. With
   * static `hosts`, the first.
   *
   * @throws {@link DownError} when Consul says that there is none, or does not answer and none was known, or after `close`.
   */
  async primary(): Promise<Target> {
    this.#checkOpen();
    const known = this.#topology.primary ?? this.#first(await this.#ask('primary'));
    if (known) return known;
    throw new DownError(`no primary of ${this.settings.service} is known: ${this.#why('primary')}`);
  }

  /**
   * The members that Consul names replicas; may be empty. At once when known, else after one lookup.
   *
   * @throws {@link DownError} when nothing is known, or after `close`.
   */
  async replicas(): Promise<readonly Target[]> {
    this.#checkOpen();
    if (this.#topology.replicas.length > 0) return this.#topology.replicas;
    const lookup = await this.#ask('replica');
    if (lookup.kind === 'found') return lookup.targets;
    if (lookup.kind === 'empty') return [];
    if (this.#discovery.known.replicas.length > 0) return this.#discovery.known.replicas;
    throw new DownError(`no replica of ${this.settings.service} is known: ${lookup.why}`);
  }

  /**
   * What a Pool hears it by.
   * @internal
   */
  subscribe(listener: (proposal: Proposal) => void): () => void {
    this.#start();
    return outsideRequests(() => this.#discovery.subscribe(listener));
  }

  /** @internal */
  refresh(freshMs?: number): void {
    if (!this.#closed) outsideRequests(() => this.#discovery.refresh(freshMs));
  }

  /** @internal */
  remember(systemId: string): void {
    this.#discovery.remember(systemId);
  }

  /** Ends all lookups, at once; may be called again. Pools that share it go on with the members they know. */
  close(): void {
    this.#closed = true;
    this.#unsubscribe?.();
    this.#discovery.stop();
  }

  #checkOpen(): void {
    if (this.#closed) throw new DownError('the resolver was closed');
  }

  async #ask(role: Role): Promise<Lookup> {
    this.#start();
    await this.#discovery.restored;
    const last = this.#discovery.last(role);
    if (last?.source === 'cache') return last.lookup;
    return this.#discovery.told(role) ?? this.#discovery.lookup(role);
  }

  #first(lookup: Lookup): Target | null {
    if (lookup.kind === 'found') return lookup.targets[0] ?? null;
    return lookup.kind === 'unavailable' ? this.#discovery.known.primary : null;
  }

  #why(role: Role): string {
    const lookup = this.#discovery.last(role)?.lookup;
    if (lookup?.kind === 'unavailable') return lookup.why;
    return 'Consul lists none';
  }

  #start(): void {
    if (this.#unsubscribe || this.#closed) return;
    this.#unsubscribe = () => {};
    this.#unsubscribe = outsideRequests(() => this.#discovery.subscribe((proposal) => this.#hear(proposal)));
  }

  #hear({ role, lookup, source }: Proposal): void {
    // Whom we remember counts until Consul has spoken; then they are only worth asking, which is the sessions' business.
    if (source === 'cache' && this.#discovery.last(role)?.source !== 'cache') return;
    const before = this.#topology;
    let next: ProposedTopology = {
      ...before,
      reachable: source === 'cache' ? before.reachable : lookup.kind !== 'unavailable',
    };
    if (lookup.kind !== 'unavailable') {
      const targets = lookup.kind === 'found' ? lookup.targets : [];
      next =
        role === 'primary'
          ? { ...next, primary: targets[0] ?? null, source }
          : { ...next, replicas: targets, source };
    }
    this.#topology = next;
    if (JSON.stringify(next) !== JSON.stringify(before)) this.#tell('change', next);
  }

  /** A listener's own mistake must surface, and must not stop those who hear the same: other pools, the file. */
  #tell(event: 'change' | 'warning', what: unknown): void {
    try {
      this.emit(event, what);
    } catch (thrown) {
      process.nextTick(() => {
        throw thrown;
      });
    }
  }
}

/** Static members: which of them is what, only sessions can tell. All are proposed for both roles. */
function fixed(hosts: readonly Target[]): Directory {
  return { lookup: () => Promise.resolve({ kind: 'found', targets: hosts }) };
}
