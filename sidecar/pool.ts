import type { HotspareOptions } from './options.js';
import { warnOfCopies } from './postgres/pool/warnings/pg-copies.js';
import { RoutedPool, type PgPoolConfig } from './postgres/pool/pool.js';
import { routeOf } from './route-of.js';
import { withStaticHosts } from './several-hosts.js';

/**
 * What a {@link Pool} takes: the options of `pg.Pool`, and those of hotspare.
 *
 * @category Options
 */
export type PoolConfig = PgPoolConfig & HotspareOptions;

/**
 * A [`pg.Pool`](https://node-postgres.com/apis/pool) that finds the primary by itself, reads on while there is none, and comes
 * back.
 *
 * Everything of `pg.Pool` is there and works as it does: `query`, `connect`, `end`, events, counters. Listed here is what is
 * added.
 *
 * Discovery is on when the host (of the URL, `host` or PGHOST) is Consul's, like `pg.service.consul`, or when there is a
 * `hotspare` option. Else it is a plain pool, with `read` and `mode` to spare.
 *
 * While there is no primary (`mode` is `read-only`) everything goes to a replica, and a refused write fails with
 * {@link ReadOnlyError}. A statement whose connection was lost fails with {@link OutcomeUnknownError} or
 * {@link ConnectionLostError}; {@link DownError} means that nobody answers. All carry `code` and `retry`.
 *
 * Monitor sessions, one to each member and pool, begin with the first query, `waitForMode` or `mode` listener, and end
 * with `end()`. They never keep the process alive.
 *
 * @example
 * ```js
 * import { Pool } from 'hotspare';
 *
 * const pool = new Pool({ connectionString: 'postgres://app@pg.service.consul/app' });
 * pool.on('mode', (mode, { reason }) => console.log(mode, reason));
 * await pool.query('INSERT INTO seen (at) VALUES (now())'); // on the primary
 * await pool.read.query('SELECT count(*) FROM seen'); // on a replica, or on the primary if there is none
 * await pool.end();
 * ```
 *
 * @category Pool
 */
export class Pool extends RoutedPool {
  /**
   * Connects to nobody yet.
   *
   * @param config - Left out: what PG* of the environment says.
   * @throws {@link ConfigError}, naming the key, its value and what was expected.
   */
  constructor(config?: PoolConfig) {
    const given = withStaticHosts(config ?? {});
    super(given, routeOf(given));
    warnOfCopies();
  }
}
