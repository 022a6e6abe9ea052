import { ConfigError } from '../common/errors.js';
import { targetKey, type Target } from '../common/names.js';
import { environment } from '../common/runtime/environment.js';
import { consulName } from './config/consul-name.js';
import { parseDiscovery, type DiscoverySettings } from './config/discovery.js';
import { parseLimits } from './config/pool.js';
import { refuseLists } from './one-host.js';
import type { HotspareOptions } from './options.js';
import { configuredTarget, standardPort } from './postgres/pool/configured-target.js';
import type { Route } from './postgres/pool/route.js';
import { Resolver } from './resolver.js';

/** How to route what this configuration connects to. Null: not at all. Throws ConfigError. */
export function routeOf(config: object): Route | null {
  const options = config as HotspareOptions;
  const limits = parseLimits(options);
  const { hotspare } = options;
  const place = configuredTarget(config);
  if (isShared(hotspare)) {
    refuse(place, hotspare.settings);
    return { ...partsOf(hotspare.settings), discovery: hotspare, limits, close: () => {} };
  }
  if (!hotspare?.hosts) refuseLists(config, environment);
  const settings = parseDiscovery(hotspare, place.host, environment);
  if (!settings) return null;
  refuse(place, settings);
  const resolver = Resolver.of(settings);
  return { ...partsOf(settings), discovery: resolver, limits, close: () => resolver.close() };
}

const partsOf = ({ hosts, service, domain, timings, systemId }: DiscoverySettings) => ({
  service: hosts ? hosts.map(targetKey).sort().join(', ') : `${service}.service.${domain}`,
  timings,
  systemId,
});

/** A name of Consul's with a tag that means nothing to us, or with a port: every member has its own, and Consul tells it. */
function refuse({ host, port }: Target, { domain, hosts }: DiscoverySettings): void {
  if (!consulName(host, domain.toLowerCase()) || hosts !== null || port === standardPort) return;
  const expected = 'left out or 5432: Consul tells the port of each member';
  throw new ConfigError('pool options', 'port', port, expected);
}

function isShared(given: HotspareOptions['hotspare']): given is Resolver {
  return given !== undefined && given !== null && typeof (given as Resolver).subscribe === 'function';
}
