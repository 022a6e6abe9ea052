import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ConfigError } from '../../common/errors.js';
import type { Target } from '../../common/names.js';
import { isSystemId } from '../core/model.js';
import type { DiscoveryOptions } from '../discovery-options.js';
import type { Discovery } from '../ports.js';
import { dnsServer, http, type Environment, type HttpSettings } from './consul-api.js';
import { consulName, label } from './consul-name.js';
import { refuseUnknown, where } from './refusals.js';
import { hosts } from './targets.js';
import { timingKeys, timings, type Timings } from './timings.js';

/** A Resolver, seen from here. */
export interface SharedDiscovery extends Discovery {
  readonly settings: DiscoverySettings;
}

declare const parsed: unique symbol;

/** Only `parseDiscovery` makes one. */
export interface DiscoverySettings {
  readonly [parsed]: true;
  readonly service: string;
  readonly domain: string;
  readonly dns: Target;
  readonly http: HttpSettings | null;
  readonly hosts: readonly Target[] | null;
  readonly cacheFile: string | null;
  readonly systemId: string | null;
  readonly timings: Timings;
}

const knownKeys = ['service', 'domain', 'dns', 'http', 'hosts', 'cacheFile', 'systemId', ...timingKeys];
/**
 * Discovery settings from what the user gave, or null when this is a plain connection: no `hotspare` key and a host
 * that is not Consul's. Throws ConfigError naming the key, its value and what was expected.
 */
export function parseDiscovery(
  options: unknown,
  host: string,
  environment: Environment,
): DiscoverySettings | null {
  if (options === undefined) {
    const named = consulName(host);
    return named ? settings({}, named, environment) : null;
  }
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    throw new ConfigError(where, 'hotspare', options, 'an object or a Resolver');
  refuseUnknown(options, 'hotspare', knownKeys);
  const given = options as DiscoveryOptions;
  const domain = given.domain ?? 'consul';
  if (typeof domain !== 'string' || !domain.split('.').every((part) => label.test(part)))
    throw new ConfigError(where, 'hotspare.domain', domain, 'a DNS domain such as consul');
  return settings(given, consulName(host, domain.toLowerCase()) ?? { service: 'pg', domain }, environment);
}

function settings(
  given: DiscoveryOptions,
  named: { service: string; domain: string },
  environment: Environment,
): DiscoverySettings {
  const service = given.service ?? named.service;
  if (typeof service !== 'string' || !label.test(service))
    throw new ConfigError(where, 'hotspare.service', service, 'the name of a Consul service, such as pg');
  // With static members Consul is asked nothing, wherever the environment says that it is.
  const consul = given.hosts === undefined ? environment : {};
  const address = consul.CONSUL_HTTP_ADDR || undefined;
  const made: Omit<DiscoverySettings, typeof parsed> = {
    service,
    domain: named.domain,
    dns: dnsServer(given, consul, address),
    http: http(given, consul, address),
    hosts: hosts(given),
    cacheFile: cacheFile(given, service, environment),
    systemId: systemId(given),
    timings: timings(given),
  };
  return made as DiscoverySettings;
}

function systemId({ systemId: given }: DiscoveryOptions): string | null {
  if (given === undefined) return null;
  const text = typeof given === 'bigint' ? given.toString() : given;
  if (isSystemId(text)) return text;
  const expected =
    'the digits that pg_control_system() shows, as text or bigint (a number is not exact enough)';
  throw new ConfigError(where, 'hotspare.systemId', given, expected);
}

function cacheFile(given: DiscoveryOptions, service: string, environment: Environment): string | null {
  if (given.cacheFile === false || given.hosts !== undefined) return null;
  if (given.cacheFile !== undefined) {
    if (typeof given.cacheFile !== 'string' || given.cacheFile === '')
      throw new ConfigError(where, 'hotspare.cacheFile', given.cacheFile, 'a path or false');
    return given.cacheFile;
  }
  // systemd gives a list when a unit has several.
  const own = environment.CACHE_DIRECTORY?.split(':')[0];
  if (own) return join(own, `${service}.json`);
  const caches = environment.XDG_CACHE_HOME || homeCaches();
  return caches === null ? null : join(caches, 'hotspare', `${service}.json`);
}

/** Null where there is no home: a container's user with neither HOME nor an entry in /etc/passwd. */
function homeCaches(): string | null {
  try {
    const home = homedir();
    return isAbsolute(home) ? join(home, '.cache') : null;
  } catch {
    return null;
  }
}
