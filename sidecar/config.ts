import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { ConfigError } from '../common/errors.js';
import { ports, type Mode, type Target } from '../common/names.js';
import { discreet, redactedText } from '../common/redact.js';
import { Secret } from '../common/secret.js';
import { isSystemId } from './core/model.js';
import type { DiscoveryOptions, HotspareOptions } from './options.js';
import type { Discovery } from './ports.js';

/** A Resolver, seen from here. */
export interface SharedDiscovery extends Discovery {
  readonly settings: DiscoverySettings;
}

export interface Timings {
  readonly dnsTimeoutMs: number;
  readonly refreshMs: number;
  readonly heartbeatIntervalMs: number;
  readonly heartbeatTimeoutMs: number;
  readonly reconnectMs: number;
  readonly connectDeadlineMs: number;
  readonly forgetAfterMs: number;
}

export const defaultTimings: Timings = {
  dnsTimeoutMs: 800,
  refreshMs: 15_000,
  heartbeatIntervalMs: 250,
  heartbeatTimeoutMs: 550,
  reconnectMs: 120,
  connectDeadlineMs: 2_000,
  forgetAfterMs: 600_000,
};

interface HttpSettings {
  readonly url: string;
  readonly token: Secret | null;
  readonly tokenFile: string | null;
}

/** Made by `parseDiscovery` only. */
export interface DiscoverySettings {
  readonly service: string;
  readonly domain: string;
  readonly dns: Target;
  readonly http: HttpSettings | null;
  readonly hosts: readonly Target[] | null;
  readonly cacheFile: string | null;
  readonly systemId: string | null;
  readonly timings: Timings;
}

export interface PoolLimits {
  readonly writeWaitMs: number;
  readonly maxReplicaLagBytes: number;
  readonly warmSpare: boolean;
  readonly readYourWrites: boolean;
  /** How long a read waits for a replica. */
  readonly readWaitMs: number;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const where = 'hotspare options';
const defaultReadWaitMs = 100;
const timingKeys = Object.keys(defaultTimings) as (keyof Timings)[];
const httpKeys = ['url', 'token', 'tokenFile'];
const knownKeys = ['service', 'domain', 'dns', 'http', 'hosts', 'cacheFile', 'systemId', ...timingKeys];
const label = /^[A-Za-z0-9]([A-Za-z0-9-_]*[A-Za-z0-9])?$/;

/**
 * The service of a host like `pg.service.consul` or `pg.service.dc2.consul`, with its domain; null for a host that is
 * not Consul's. Asking for the primary by its tag (`primary.pg…`, `_pg._primary…`, Patroni's `master.pg…`) means the same. Any other tag is a
 * ConfigError: a Pool cannot be limited to it, and a plain connection would never fail over.
 */
export function consulName(host: string, domain = 'consul'): { service: string; domain: string } | null {
  const match = /^(.+?)\.service\.(.+)$/i.exec(host.replace(/\.$/, ''));
  if (!match) return null;
  const [, names, rest] = match as unknown as [string, string, string];
  const ends = rest.toLowerCase() === domain || rest.toLowerCase().endsWith(`.${domain}`);
  const { service, tag } = tagged(names.split('.'));
  if (!ends || !label.test(service)) return null;
  if (tag === null || /^(primary|master)$/i.test(tag)) return { service, domain: rest };
  const plain = `${service}.service.${rest}`;
  throw new ConfigError(where, 'host', host, plain, refusal(tag, plain));
}

/** `tag.service`, or `_service._tag` of RFC 2782, whose `_tcp` is no tag. */
function tagged(names: readonly string[]): { service: string; tag: string | null } {
  const [first = '', second = ''] = names;
  if (names.length === 2 && first.startsWith('_') && second.startsWith('_'))
    return { service: first.slice(1), tag: second === '_tcp' ? null : second.slice(1) };
  return { service: names.at(-1) ?? '', tag: names.slice(0, -1).join('.') || null };
}

const refusal = (tag: string, plain: string): string =>
  tag.toLowerCase() === 'replica'
    ? `write ${plain}, and read from pool.read (or pool.connectTo('replica'))`
    : `the tag "${redactedText(tag)}" is unknown; write ${plain}: sessions prove who is primary`;

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

/** Without the value: of a key that nobody knows nobody knows either whether it is a secret. */
function refuseUnknown(given: object, path: string, known: readonly string[]): void {
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const expected = `no such key; known are ${known.join(', ')}`;
  throw new ConfigError(where, `${path}.${unknown}`, undefined, expected, `there is ${expected}`);
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
  return {
    service,
    domain: named.domain,
    dns: dnsServer(given, consul, address),
    http: http(given, consul, address),
    hosts: hosts(given),
    cacheFile: cacheFile(given, service, environment),
    systemId: systemId(given),
    timings: timings(given),
  };
}

function systemId({ systemId: given }: DiscoveryOptions): string | null {
  if (given === undefined) return null;
  const text = typeof given === 'bigint' ? given.toString() : given;
  if (isSystemId(text)) return text;
  const expected =
    'the digits that pg_control_system() shows, as text or bigint (a number is not exact enough)';
  throw new ConfigError(where, 'hotspare.systemId', given, expected);
}

function timings(given: DiscoveryOptions): Timings {
  const values = Object.fromEntries(
    timingKeys.map((key) => {
      const value = given[key] ?? defaultTimings[key];
      if (typeof value !== 'number' || !Number.isFinite(value) || value < 1)
        throw new ConfigError(where, `hotspare.${key}`, value, 'a number of milliseconds, 1 or more');
      return [key, value];
    }),
  );
  return values as unknown as Timings;
}

function dnsServer(given: DiscoveryOptions, environment: Environment, address?: string): Target {
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

function http(given: DiscoveryOptions, environment: Environment, address?: string): HttpSettings | null {
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

function hosts(given: DiscoveryOptions): readonly Target[] | null {
  if (given.hosts === undefined) return null;
  if (!Array.isArray(given.hosts) || given.hosts.length === 0)
    throw new ConfigError(where, 'hotspare.hosts', given.hosts, 'a list with at least one "host:port"');
  return given.hosts.map((host: Target | string, index) =>
    target(host, `hotspare.hosts[${index}]`, ports.postgres),
  );
}

function target(value: Target | string, key: string, defaultPort: number): Target {
  const parsed = typeof value === 'string' ? parseTarget(value, defaultPort) : value;
  const { host, port } = (parsed ?? {}) as Partial<Target>;
  if (typeof host !== 'string' || host === '' || !Number.isInteger(port) || port! < 1 || port! > 65_535)
    throw new ConfigError(where, key, value, '"host:port" or { host, port }');
  return { host, port: port! };
}

function parseTarget(text: string, defaultPort: number): Target | null {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/.exec(text);
  if (!match) return null;
  return { host: (match[1] ?? match[2])!, port: match[3] === undefined ? defaultPort : Number(match[3]) };
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

const ownNames = ['hotspare', 'writeWaitMs', 'maxReplicaLagBytes', 'warmSpare', 'readYourWrites'];

/** A misspelt name beside pg's own cannot be told from one of pg's, or of an app's own Client. This much can. */
function refuseOtherCase(options: object): void {
  for (const given of Object.keys(options)) {
    const meant = ownNames.find((name) => name !== given && name.toLowerCase() === given.toLowerCase());
    if (meant) throw new ConfigError(where, given, undefined, meant, `there is no such key; write ${meant}`);
  }
}

/** Checks `writeWaitMs`, `maxReplicaLagBytes`, `warmSpare` and `readYourWrites`. */
export function parseLimits(options: HotspareOptions): PoolLimits {
  refuseOtherCase(options);
  const { writeWaitMs = 0, maxReplicaLagBytes = Infinity, warmSpare = true } = options;
  if (typeof writeWaitMs !== 'number' || !(writeWaitMs >= 0) || writeWaitMs === Infinity)
    throw new ConfigError(where, 'writeWaitMs', writeWaitMs, 'a number of milliseconds, 0 or more');
  if (typeof maxReplicaLagBytes !== 'number' || !(maxReplicaLagBytes >= 0))
    throw new ConfigError(where, 'maxReplicaLagBytes', maxReplicaLagBytes, 'a number of bytes, 0 or more');
  if (typeof warmSpare !== 'boolean') throw new ConfigError(where, 'warmSpare', warmSpare, 'true or false');
  return { writeWaitMs, maxReplicaLagBytes, warmSpare, ...readingOwnWrites(options) };
}

function readingOwnWrites({ readYourWrites: given = false }: HotspareOptions) {
  if (typeof given === 'boolean') return { readYourWrites: given, readWaitMs: defaultReadWaitMs };
  const expected = 'true, false or { waitMs }';
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ConfigError(where, 'readYourWrites', given, expected);
  refuseUnknown(given, 'readYourWrites', ['waitMs']);
  return {
    readYourWrites: true,
    readWaitMs: readWait(given.waitMs ?? defaultReadWaitMs, 'readYourWrites.waitMs'),
  };
}

/** Throws ConfigError. */
export function readWait(waitMs: unknown, key: string): number {
  if (typeof waitMs !== 'number' || !(waitMs >= 1 && waitMs <= 60_000))
    throw new ConfigError(where, key, waitMs, 'a number of milliseconds from 1 to 60000');
  return waitMs;
}

const modes: readonly Mode[] = ['read-write', 'read-only', 'down'];

/** Throws ConfigError. */
export function modesToWaitFor(wanted: unknown): readonly Mode[] {
  const list: readonly unknown[] = Array.isArray(wanted) ? [...(wanted as unknown[])] : [wanted];
  if (list.length === 0 || !list.every((mode) => modes.includes(mode as Mode)))
    throw new ConfigError(where, 'mode', wanted, `${modes.join(', ')}, or a list of them`);
  return list as readonly Mode[];
}

/** Throws ConfigError. */
export function modeWait(timeoutMs: unknown): void {
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0))
    throw new ConfigError(where, 'timeoutMs', timeoutMs, 'a number of milliseconds, 0 or more, or Infinity');
}
