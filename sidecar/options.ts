import type { DiscoveryOptions } from './discovery-options.js';
import type { Resolver } from './resolver.js';

/**
 * What hotspare adds to the options of `pg.Pool` and `pg.Client`. A bad value is a {@link ConfigError}.
 *
 * @category Options
 */
export interface HotspareOptions {
  /**
   * Discovery settings, or a Resolver to share. Its presence switches discovery on whatever the host is.
   * @defaultValue discovery with default settings for a host under `.service.consul`, else none: plain `pg`
   */
  hotspare?: DiscoveryOptions | Resolver;
  /**
   * How long a write on `pool.query` that was refused for want of a primary waits for one, ms, before it fails with
   * {@link ReadOnlyError}. Also how long {@link Pool.transaction} waits before it repeats.
   * @defaultValue 0
   */
  writeWaitMs?: number;
  /**
   * Where agents move the primary: how long a write may wait for a standby to confirm it, or behind a gate, ms, before it fails with
   * {@link OutcomeUnknownError}; at most a fifth more. The mode is `read-only` from then on, until writes are confirmed again. The
   * write itself is never cancelled. 100 or more; Infinity: for as long as it takes.
   * @defaultValue 5000
   */
  ackTimeoutMs?: number;
  /**
   * A replica further behind than this serves nobody. Bytes of WAL.
   * @defaultValue Infinity
   */
  maxReplicaLagBytes?: number;
  /**
   * Keep one idle session to a replica, logged in, so that the first query after a failover needs no log-in. Not one of
   * `max` until it is used.
   * @defaultValue true
   */
  warmSpare?: boolean;
  /**
   * Reads on {@link Pool.read} see all that the pool has done before, in this process: they wait for a replica to replay it,
   * at most `waitMs` (1 to 60000, default 100), and then go to the primary. `waitMs` counts for {@link Pool.readAfter} as well.
   * @defaultValue false
   */
  readYourWrites?:
    | boolean
    | {
        /** How long a read waits for a replica, ms. */
        waitMs?: number;
      };
}
