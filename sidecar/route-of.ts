import { environment } from '../common/runtime/environment.js';
import { targetKey } from '../common/names.js';
import {
  consulName,
  parseDiscovery,
  parseLimits,
  type DiscoverySettings,
  type HotspareOptions,
} from './config.js';
import { hostOf } from './postgres/host-of.js';
import type { Route } from './postgres/pool.js';
import { Resolver } from './resolver.js';

/** How to route what this configuration connects to. Null: not at all. Throws ConfigError. */
export function routeOf(config: object): Route | null {
  const options = config as HotspareOptions;
  const limits = parseLimits(options);
  const { hotspare } = options;
  if (isShared(hotspare)) {
    // For what it refuses.
    consulName(hostOf(config), hotspare.settings.domain);
    return { ...partsOf(hotspare.settings), discovery: hotspare, limits, close: () => {} };
  }
  const settings = parseDiscovery(hotspare, hostOf(config), environment);
  if (!settings) return null;
  const resolver = Resolver.of(settings);
  return { ...partsOf(settings), discovery: resolver, limits, close: () => resolver.close() };
}

const partsOf = ({ hosts, service, domain, timings, systemId }: DiscoverySettings) => ({
  service: hosts ? hosts.map(targetKey).sort().join(', ') : `${service}.service.${domain}`,
  timings,
  systemId,
});

function isShared(given: HotspareOptions['hotspare']): given is Resolver {
  return given !== undefined && given !== null && typeof (given as Resolver).subscribe === 'function';
}
