import type { HotspareOptions } from './options.js';
import { warnOfCopies } from './postgres/pool/warnings/pg-copies.js';
import {
  primaryClientClass,
  type PgClientConfig,
  type PrimaryClientClass,
} from './postgres/pool/primary-client.js';
import { routeOf } from './route-of.js';
import { withStaticHosts } from './several-hosts.js';

/**
 * What a {@link Client} takes: the options of `pg.Client`, and those of hotspare (`writeWaitMs`, `maxReplicaLagBytes`,
 * `warmSpare` and `readYourWrites` mean nothing to it).
 *
 * @category Options
 */
export type ClientConfig = PgClientConfig & HotspareOptions;

const Base: PrimaryClientClass = primaryClientClass(routeOf);

/**
 * A [`pg.Client`](https://node-postgres.com/apis/client) for one connection to the proven primary: for migrations, LISTEN,
 * COPY. To any other host than Consul's, without a `hotspare` option, it is a plain client.
 *
 * `connect` waits for a primary, for nine tenths of `connectionTimeoutMillis` if that is set, else `connectDeadlineMs`
 * (2000 ms). Then it rejects with {@link ReadOnlyError} (there are only replicas) or {@link DownError} (nobody answers). What a
 * server says that refuses the log-in is thrown as it is. A client that has lost its connection stays lost, as with pg:
 * make another.
 *
 * It keeps a monitor session to every member while it is connected; they never keep the process alive.
 *
 * @example
 * ```js
 * import { Client } from 'hotspare';
 *
 * const client = new Client({ connectionString: 'postgres://owner@pg.service.consul/app' });
 * await client.connect();
 * await client.query('CREATE TABLE seen (at timestamptz)');
 * await client.end();
 * ```
 *
 * @category Client
 */
export class Client extends Base {
  /**
   * Connects to nobody yet.
   *
   * @param config - A connection string or options. Left out: what PG* of the environment says.
   * @throws {@link ConfigError}, naming the key, its value and what was expected.
   */
  constructor(config: string | ClientConfig = {}) {
    super(withStaticHosts(typeof config === 'string' ? { connectionString: config } : config));
    warnOfCopies();
  }
}
