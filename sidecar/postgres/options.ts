import type pg from 'pg';

/** A copy with other values. pg-pool hides `password` from enumeration: spreading alone would lose it. */
export function withOptions<T extends object>(config: T, changes: object): T {
  const copy = { ...config, ...changes } as T;
  if ('password' in config && !('password' in changes))
    Object.defineProperty(copy, 'password', {
      value: config.password,
      enumerable: false,
      configurable: true,
      writable: true,
    });
  return copy;
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
