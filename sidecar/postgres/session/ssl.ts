import { isIP } from 'node:net';
import type { Target } from '../../../common/names.js';
import type { ClientInternals, Ssl } from './pg-internals/client.js';

/**
 * The name that a configuration connects to, for what goes by names: certificates and stored passwords. Null when it has
 * none: an address, a folder of sockets, or nothing, which pg reads as localhost.
 */
export function nameOf(host: string): string | null {
  return host === '' || host === 'localhost' || host.startsWith('/') || isIP(host) !== 0 ? null : host;
}

/**
 * TLS options for a connection to an address found by name: the certificate is for the name in the URL, not for the
 * address; without a name it is checked as pg does. What the user has set stays, and a key that pg has hidden from enumeration stays hidden.
 */
export function sslForName(ssl: Ssl, host: string): Ssl {
  if (!ssl || nameOf(host) === null || (typeof ssl === 'object' && 'servername' in ssl)) return ssl;
  const named: Record<string, unknown> = { ...(ssl === true ? {} : ssl), servername: host };
  if (typeof ssl === 'object' && 'key' in ssl)
    Object.defineProperty(named, 'key', { value: ssl.key, enumerable: false });
  return named;
}

/**
 * Sends a client to a member. Passwords go on being looked up (pgpass, a function) for the name that the configuration
 * has, if it has one.
 */
export function place(
  client: Pick<ClientInternals, 'host' | 'port' | 'connectionParameters'>,
  target: Target,
): void {
  const { host, port } = target;
  Object.assign(client, { host, port });
  const parameters = client.connectionParameters;
  if (nameOf(parameters.host) === null) Object.assign(parameters, { host, port });
}
