import { ConfigError } from '../../common/errors.js';
import { ports, type Target } from '../../common/names.js';
import type { DiscoveryOptions } from '../discovery-options.js';
import { where } from './refusals.js';

export function hosts(given: DiscoveryOptions): readonly Target[] | null {
  if (given.hosts === undefined) return null;
  if (!Array.isArray(given.hosts) || given.hosts.length === 0)
    throw new ConfigError(where, 'hotspare.hosts', given.hosts, 'a list with at least one "host:port"');
  return given.hosts.map((host: Target | string, index) =>
    target(host, `hotspare.hosts[${index}]`, ports.postgres),
  );
}

export function target(value: Target | string, key: string, defaultPort: number): Target {
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
