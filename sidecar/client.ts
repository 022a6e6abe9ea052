import type { HotspareOptions } from './config.js';
import { warnOfCopies } from './postgres/copies.js';
import { primaryClientClass, type PgClientConfig, type PrimaryClientClass } from './postgres/client.js';
import { routeOf } from './route-of.js';

export type ClientConfig = PgClientConfig & HotspareOptions;

const Base: PrimaryClientClass = primaryClientClass(routeOf);

/**
 * A `pg.Client` for one connection to the proven primary: for migrations, LISTEN, COPY. Waits up to
 * `connectionTimeoutMillis` (default 2 s) for one, then `connect` rejects with ReadOnlyError (there are only replicas)
 * or DownError. Takes what `Pool` takes; to any other host than Consul's it is a plain client.
 */
export class Client extends Base {
  /** Throws ConfigError, naming the key. */
  constructor(config: string | ClientConfig = {}) {
    super(config);
    warnOfCopies();
  }
}
