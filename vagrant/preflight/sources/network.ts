import { networkInterfaces } from 'node:os';
import { list, number, record, text } from '../../../common/text/json.js';
import { prefixLengthOf } from '../ipv4.js';
import type { Bridge, HostFacts, NetworkAddress, NetworkInterface } from '../model.js';
import { namesIn, textOf } from './files.js';
import { ask, type Environment } from './programs.js';

/** The system's interfaces. "ip" also names those without carrier, such as a bridge nothing is plugged into. */
export async function gatherInterfaces(environment: Environment): Promise<NetworkInterface[]> {
  const result =
    process.platform === 'linux' ? await ask('ip', ['-j', 'addr', 'show'], environment) : undefined;
  return (result?.exitCode === 0 ? interfacesFromJson(result.stdout) : undefined) ?? interfacesOfNode();
}

/** Reads `ip -j addr`; undefined when it is something else (an `ip` that does not know -j). */
export function interfacesFromJson(json: string): NetworkInterface[] | undefined {
  try {
    return (
      list(JSON.parse(json))
        .map(record)
        // What cannot be shown is an empty object.
        .filter((entry) => 'ifname' in entry)
        .map((entry) => ({
          name: text(entry['ifname']),
          addresses: list(entry['addr_info'] ?? [])
            .map(record)
            .filter((address) => address['family'] === 'inet')
            .map((address) => ({
              address: text(address['local']),
              prefixLength: number(address['prefixlen']),
            })),
        }))
    );
  } catch {
    return undefined;
  }
}

function interfacesOfNode(): NetworkInterface[] {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    addresses: addresses
      .filter(({ family }) => family === 'IPv4')
      .map(({ address, cidr }) => ({ address, prefixLength: Number(cidr?.split('/')[1] ?? 32) })),
  }));
}

/** Routes of Linux' main table; other systems' are not known, which is not held against them. */
export async function gatherRoutes(): Promise<HostFacts['routes'][number][]> {
  return routesFrom((await textOf('/proc/net/route')) ?? '');
}

/** Reads /proc/net/route: addresses are hexadecimal, the last number first. */
export function routesFrom(table: string): HostFacts['routes'][number][] {
  return table
    .split('\n')
    .slice(1)
    .flatMap((line) => {
      const [name, destination, , , , , , mask] = line.split('\t');
      if (!name || !destination || !mask) return [];
      const address = dotted(destination);
      return [{ interface: name, address, prefixLength: prefixLengthOf(dotted(mask)) }];
    })
    .filter(({ prefixLength }) => prefixLength > 0);
}

function dotted(hexadecimal: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hexadecimal.slice(at, at + 2), 16)).join('.');
}

export async function gatherBridge(name: string, interfaces: readonly NetworkInterface[]): Promise<Bridge> {
  const folder = `/sys/class/net/${name}`;
  const flags = await textOf(`${folder}/flags`);
  if (flags === undefined) return { state: 'absent' };
  const ports = await namesIn(`${folder}/brif`);
  if (!ports) return { state: 'other-interface' };
  const addresses: readonly NetworkAddress[] = interfaces.find((one) => one.name === name)?.addresses ?? [];
  // IFF_UP. "operstate" is down as long as nothing is plugged in.
  return { state: 'present', up: (Number.parseInt(flags, 16) & 1) === 1, addresses, ports: ports.sort() };
}
