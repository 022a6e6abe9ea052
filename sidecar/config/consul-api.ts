import { ConfigError } from '../../common/errors.js';
import { ports, type Target } from '../../common/names.js';
import { discreet } from '../../common/text/redact.js';
import { Secret } from '../../common/secret.js';
import type { DiscoveryOptions } from '../discovery-options.js';
import { refuseUnknown, where } from './refusals.js';
import { target } from './targets.js';

/** Variables, by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface HttpSettings {
  readonly url: string;
  readonly token: Secret | null;
  readonly tokenFile: string | null;
}

const httpKeys = ['url', 'token', 'tokenFile'];

export function dnsServer(given: DiscoveryOptions, environment: Environment, address?: string): Target {
  if (given.dns !== undefined) return target(given.dns, 'hotspare.dns', ports.consulDns);
  if (environment.HOTSPARE_DNS) return target(environment.HOTSPARE_DNS, 'HOTSPARE_DNS', ports.consulDns);
  const url = address === undefined ? null : consulUrl(address, environment);
  return { host: url ? url.hostname.replace(/^\[|\]$/g, '') : '127.0.0.1', port: ports.consulDns };
}

/** Null for a Unix socket, which has no host to ask by DNS either. */
function consulUrl(address: string, environment: Environment): URL | null {
  if (address.startsWith('unix:')) return null;
  const scheme = /^(1|true)$/i.test(environment.CONSUL_HTTP_SSL ?? '') ? 'https' : 'http';
  const text = address.includes('://') ? address : `${scheme}://${address}`;
  if (!URL.canParse(text) || !/^https?:$/.test(new URL(text).protocol))
    throw new ConfigError(
      'environment',
      'CONSUL_HTTP_ADDR',
      address,
      'host:port or an http:// or https:// URL',
    );
  return new URL(text);
}

export function http(
  given: DiscoveryOptions,
  environment: Environment,
  address?: string,
): HttpSettings | null {
  if (given.http === false) return null;
  const token = (text: string | undefined) => (text ? new Secret(text) : null);
  if (given.http !== undefined) {
    const { url, token: own, tokenFile } = given.http ?? {};
    if (url !== undefined) refuseUnknown(given.http, 'hotspare.http', httpKeys);
    if (typeof url !== 'string' || !URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol))
      throw new ConfigError(
        where,
        'hotspare.http',
        typeof given.http === 'string' ? given.http : url,
        'false, or an object with url: an http:// or https:// URL',
      );
    return discreet({
      url: bare(new URL(url)),
      token: token(own ?? (tokenFile ? undefined : environment.CONSUL_HTTP_TOKEN)),
      tokenFile: tokenFile ?? (own ? null : (environment.CONSUL_HTTP_TOKEN_FILE ?? null)),
    });
  }
  const url = consulUrl(address ?? `127.0.0.1:${ports.consulHttp}`, environment);
  return (
    url &&
    discreet({
      url: bare(url),
      token: token(environment.CONSUL_HTTP_TOKEN),
      tokenFile: environment.CONSUL_HTTP_TOKEN_FILE || null,
    })
  );
}

const bare = (url: URL) => url.href.replace(/\/+$/, '');
