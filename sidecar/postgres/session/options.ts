import type pg from 'pg';

/**
 * A copy with other values. pg-pool hides `password` from enumeration: spreading alone would lose it. Consul's token is
 * hidden in the same way, in the copy: a pool that is logged or sent as JSON shows neither.
 */
export function withOptions<T extends object>(config: T, changes: object): T {
  const copy = Object.assign({}, config, changes);
  if ('password' in config && !('password' in changes)) hide(copy, 'password', config.password);
  if ('hotspare' in copy) Object.assign(copy, { hotspare: withHiddenToken(copy.hotspare) });
  return copy;
}

/** A Resolver, which is nobody's options, stays as it is. */
function withHiddenToken(hotspare: unknown): unknown {
  if (!isPlain(hotspare)) return hotspare;
  const { http: given } = hotspare;
  if (!isPlain(given)) return hotspare;
  const http = { ...given };
  if ('token' in given) hide(http, 'token', given['token']);
  // With a user and a password in it, for a proxy before Consul.
  if ('url' in given && String(given['url']).includes('@')) hide(http, 'url', given['url']);
  return { ...hotspare, http };
}

const isPlain = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const hide = (of: object, key: string, value: unknown) =>
  Object.defineProperty(of, key, { value, enumerable: false, configurable: true, writable: true });

const valueOf = (of: object, key: string): unknown => Reflect.get(of, key);

/**
 * The options for a session of a pool beside the main one: what the main pool would use now, but for what was changed on
 * this pool's own options since it was made. Changed passwords and certificates so reach every pool at once.
 */
export function following(main: () => pg.PoolConfig): (own: pg.PoolConfig | undefined) => pg.PoolConfig {
  const before = withOptions(main(), {});
  return (own = {}) => {
    const changed = [...Object.keys(own), 'password'].filter(
      (key) => key !== 'Client' && key !== 'hotspare' && valueOf(own, key) !== valueOf(before, key),
    );
    return withOptions(main(), Object.fromEntries(changed.map((key) => [key, valueOf(own, key)])));
  };
}

/** A Client class for pg-pool that looks up the options when a session is made. */
export function withNewest<T extends new (options?: pg.ClientConfig) => pg.Client>(
  Made: T,
  main: () => pg.PoolConfig,
): T {
  const newest = following(main);
  const Newest: T = new Proxy(Made, {
    // As in `sparing`, never for the Proxy itself.
    construct: (target, [own]: pg.PoolConfig[], as) =>
      Reflect.construct(target, [newest(own)], as === Newest ? target : as) as pg.Client,
  });
  return Newest;
}

/** Less than firewalls remember a silent connection for. */
const keepAliveMs = 10_000;

/**
 * With TCP's keepalive, unless the app has its own mind about it. A firewall that has forgotten an idle connection drops
 * what is sent on it without a word, while the member is well and its monitor says so.
 */
export function keptAlive(config: pg.ClientConfig): pg.ClientConfig {
  const { keepAlive = true, keepAliveInitialDelayMillis = keepAliveMs } = config;
  return withOptions(config, { keepAlive, keepAliveInitialDelayMillis });
}
