import { readFile } from 'node:fs/promises';
import type { Clock } from '../../common/clock.js';
import { ConsulConnection } from '../../common/consul/connection.js';
import { ConsulWatch } from '../../common/consul/watch.js';
import type { Random } from '../../common/random.js';
import type { Secret } from '../../common/secret.js';
import type { News, WakeUps } from '../ports.js';
import { datacenterOf, listing, type Listing } from './listing.js';

export interface ConsulWakeUpsOptions {
  readonly url: string;
  readonly token: Secret | null;
  readonly tokenFile: string | null;
  readonly service: string;
  /** Consul's DNS domain; may name a datacenter. Default `consul`. */
  readonly domain?: string;
  readonly clock: Clock;
  readonly random: Random;
  /** How long Consul may hold a query: as long as a dead connection may pass for a quiet one. Default 15 s. */
  readonly waitMs?: number;
}

/** For an answer that Consul does not hold back. */
const deadlineMs = 3_000;
/** An answer that is younger needs no check, ms. */
const defaultFreshMs = 5_000;
/**
 * Long in the end: where Consul turns connections away because there are too many, hundreds of processes may be trying.
 * Those without one lose nothing but milliseconds: they ask DNS.
 */
const retry = { baseMs: 250, maxMs: 120_000 };

/**
 * One blocking query on the health of the service, forever. It may be answered from the cache of the agent, which asks the
 * servers once for all who wait for the same.
 */
export class ConsulWakeUps implements WakeUps {
  #attentive = false;
  #answeredAtMs = -Infinity;
  #watch: ConsulWatch<Listing | null> | undefined;
  readonly #datacenter: string | null | undefined;

  constructor(private readonly options: ConsulWakeUpsOptions) {
    this.#datacenter = datacenterOf(options.domain ?? 'consul');
  }

  get attentive(): boolean {
    return this.#attentive;
  }

  start(hear: (news: News) => void, signal: AbortSignal): void {
    void this.#run(hear, signal);
  }

  check(freshMs = defaultFreshMs): void {
    const { clock } = this.options;
    if (clock.nowMs() - this.#answeredAtMs < freshMs) return;
    this.#answeredAtMs = clock.nowMs();
    this.#watch?.askAnew();
  }

  async #run(hear: (news: News) => void, signal: AbortSignal): Promise<void> {
    const { url, service, clock, random, waitMs = 15_000 } = this.options;
    const connection = new ConsulConnection({ url, clock, ref: false, token: () => this.#token() });
    this.#watch = new ConsulWatch({
      connection,
      path: `health/service/${encodeURIComponent(service)}`,
      query: { cached: '', ...(this.#datacenter ? { dc: this.#datacenter } : {}) },
      waitMs,
      deadlineMs,
      retry,
      ref: false,
      clock,
      random,
      parse: (body) => (this.#datacenter === undefined ? null : listing(body)),
      onAnswer: (lookups, isNews) => this.#answered(lookups, isNews, hear),
      onFailure: () => {
        const toldBefore = this.#attentive;
        this.#attentive = false;
        if (toldBefore) hear({ kind: 'silent' });
      },
    });
    try {
      await this.#watch.run(signal);
    } finally {
      this.#attentive = false;
      connection.close();
    }
  }

  /** The first answer counts as news too: something may have changed since the lookup before it. */
  #answered(lookups: Listing | null, isNews: boolean, hear: (news: News) => void): void {
    this.#attentive = lookups !== null;
    this.#answeredAtMs = this.options.clock.nowMs();
    // A list without a change is heard as well: it is as good as a lookup, and whoever is listed may be worth a try.
    if (lookups) hear({ kind: 'listed', lookups });
    else if (isNews) hear({ kind: 'changed' });
  }

  /** Read each time: tokens are rotated. */
  async #token(): Promise<string | undefined> {
    const { token, tokenFile } = this.options;
    if (tokenFile !== null) return (await readFile(tokenFile, 'utf8')).trim();
    return token?.reveal();
  }
}
