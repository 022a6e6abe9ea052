import { environment } from '../common/runtime/environment.js';
import { consulName, parseDiscovery, parseLimits, type HotspareOptions } from './config.js';
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
    const { timings, systemId } = hotspare.settings;
    return { discovery: hotspare, timings, systemId, limits, close: () => {} };
  }
  const settings = parseDiscovery(hotspare, hostOf(config), environment);
  if (!settings) return null;
  const resolver = Resolver.of(settings);
  const { timings, systemId } = settings;
  return { discovery: resolver, timings, systemId, limits, close: () => resolver.close() };
}

function isShared(given: HotspareOptions['hotspare']): given is Resolver {
  return given !== undefined && given !== null && typeof (given as Resolver).subscribe === 'function';
}
