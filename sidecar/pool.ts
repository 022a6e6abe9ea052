import type { HotspareOptions } from './config.js';
import { warnOfCopies } from './postgres/copies.js';
import { RoutedPool, type PgPoolConfig } from './postgres/pool.js';
import { routeOf } from './route-of.js';

export type PoolConfig = PgPoolConfig & HotspareOptions;

/**
 * A `pg.Pool` that finds the primary by itself, reads on while there is none, and comes back.
 *
 * Discovery is on when the host (of the URL, `host` or PGHOST) is Consul's, like `pg.service.consul`, or when there is a
 * `hotspare` option. Else it is a plain pool, with `read` and `mode` to spare.
 *
 * While there is no primary (`mode` is `read-only`) everything goes to a replica, and a refused write fails with
 * ReadOnlyError. A statement whose connection was lost fails with OutcomeUnknownError; DownError means that nobody
 * answers. All three carry `code` and `retry`.
 *
 * Monitor sessions, one to each member and pool, begin with the first query, `waitForMode` or `mode` listener, and end
 * with `end()`. They never keep the process alive.
 *
 * Events besides those of pg.Pool: `mode` (mode, { since, reason, previous }).
 */
export class Pool extends RoutedPool {
  /** Throws ConfigError, naming the key. */
  constructor(config?: PoolConfig) {
    const given = config ?? {};
    super(given, routeOf(given));
    warnOfCopies();
  }
}
