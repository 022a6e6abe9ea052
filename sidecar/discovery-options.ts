import type { Target } from '../common/names.js';

/**
 * How members are found, and how fast trouble is noticed: the `hotspare` option of a {@link Pool} or {@link Client}, and what
 * a {@link Resolver} is made of. Every key may be left out; an unknown key or a bad value is a {@link ConfigError}. Times are
 * in milliseconds, 1 or more.
 *
 * @category Options
 */
export interface DiscoveryOptions {
  /**
   * Name of the service in Consul.
   * @defaultValue from a host `NAME.service.consul`, else `pg`
   */
  service?: string;
  /**
   * Consul's DNS domain; may name a datacenter, as in `dc2.consul`.
   * @defaultValue from a host `NAME.service.DOMAIN`, else `consul`
   */
  domain?: string;
  /**
   * Consul's DNS, as `host:port` (port 8600 if left out) or an object.
   * @defaultValue HOTSPARE_DNS (`host:port`), else port 8600 of the host in CONSUL_HTTP_ADDR, else `127.0.0.1:8600`
   */
  dns?: Target | string;
  /**
   * Consul's HTTP API, for one blocking query that tells of every change: its URL, and an ACL token that may read the service
   * or a file with one, which is read anew for every query and wins. `false`: DNS alone.
   * @defaultValue CONSUL_HTTP_ADDR (with CONSUL_HTTP_SSL), CONSUL_HTTP_TOKEN and CONSUL_HTTP_TOKEN_FILE, else
   * `http://127.0.0.1:8500` without a token
   */
  http?:
    | {
        /** With `http://` or `https://`. */
        url: string;
        /** An ACL token that may read the service. */
        token?: string;
        /** A file with such a token. */
        tokenFile?: string;
      }
    | false;
  /**
   * These members and no others, without Consul: `host`, `host:port` (port 5432 if left out) or an object. Sessions tell
   * their roles. Nothing is cached then.
   * @defaultValue none: Consul is asked
   */
  hosts?: readonly (Target | string)[];
  /**
   * The one database whose members are used, by its system identifier: `SELECT system_identifier FROM pg_control_system()`. It
   * is final. Without it a process belongs to the database in `cacheFile`; where the file names none, to that of the first session
   * that was given out.
   * @defaultValue none
   */
  systemId?: string | bigint;
  /**
   * Where the last known members are kept for a start without Consul; `false`: nowhere. A file that cannot be read or
   * written is never an error: see the `warning` event of {@link Resolver}.
   * @defaultValue `SERVICE.json` in $CACHE_DIRECTORY, else in $XDG_CACHE_HOME/hotspare, else in ~/.cache/hotspare; nowhere
   * for a user without a home
   */
  cacheFile?: string | false;
  /**
   * For one DNS lookup, ms, repeated questions and TCP included.
   * @defaultValue 800
   */
  dnsTimeoutMs?: number;
  /**
   * Between DNS lookups, ms, when nothing happens and Consul's HTTP API tells nothing; up to a fifth is added at random.
   * @defaultValue 15000
   */
  refreshMs?: number;
  /**
   * From one heartbeat's answer to the next heartbeat, ms, on the monitor session of each member.
   * @defaultValue 250
   */
  heartbeatIntervalMs?: number;
  /**
   * A member of which nothing is heard for this long while it owes an answer, ms, is given up and its connections are
   * destroyed. Nothing: on any session of this pool.
   * @defaultValue 550
   */
  heartbeatTimeoutMs?: number;
  /**
   * Between attempts to reach a member that is down, ms: at random between half of it and all of it; five times that when the
   * member has been down for ten minutes, or does not let us in.
   * @defaultValue 120
   */
  reconnectMs?: number;
  /**
   * How long a query waits for a connection to any member that may serve it, ms. Once everything has been down for so
   * long, queries fail at once. The time that the app's own functions take (a password, a stream, the look-up of a name) does
   * not count, up to 10000 at a stretch. `connectionTimeoutMillis`, if set, counts instead for a single query (nine tenths of
   * it), and bounds all of it.
   * @defaultValue 2000
   */
  connectDeadlineMs?: number;
  /**
   * A member that Consul no longer lists and that does not answer is forgotten after this, ms.
   * @defaultValue 600000
   */
  forgetAfterMs?: number;
}
