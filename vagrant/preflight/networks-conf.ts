import { isIPv6 } from 'node:net';
import type { NetworkAddress } from './model.js';
import { contains, parseNetwork } from './ipv4.js';

/** What VirtualBox allows when there is no such file. */
export const defaultRange: NetworkAddress = { address: '192.168.56.0', prefixLength: 21 };
export const networksConfPath = '/etc/vbox/networks.conf';

export interface NetworksConf {
  /** IPv4 ranges. IPv6 ones are read and left out: the boxes have no such addresses. */
  readonly ranges: readonly NetworkAddress[];
  /** Entries that are no range: Vagrant ends with a stack trace at the first. */
  readonly garbled: readonly { readonly line: number; readonly entry: string }[];
}

/**
 * Reads networks.conf as Vagrant does (plugins/providers/virtualbox/action/network.rb, `load_net_conf`) and VirtualBox's
 * manual describes ("Host-Only Networking"): lines that begin with `*` hold ranges, all others are ignored.
 * A `#` later in such a line is no comment to Vagrant.
 */
export function parseNetworksConf(text: string): NetworksConf {
  const ranges: NetworkAddress[] = [];
  const garbled: { line: number; entry: string }[] = [];
  text.split('\n').forEach((raw, index) => {
    const line = raw.trim();
    if (!line.startsWith('*')) return;
    for (const entry of line.slice(1).split(/\s+/).filter(Boolean)) {
      const range = parseNetwork(entry);
      if (range) ranges.push(range);
      else if (!isIpv6Range(entry)) garbled.push({ line: index + 1, entry });
    }
  });
  return { ranges, garbled };
}

function isIpv6Range(entry: string): boolean {
  const [address = '', length = '128', ...rest] = entry.split('/');
  return rest.length === 0 && isIPv6(address) && /^\d{1,3}$/.test(length) && Number(length) <= 128;
}

export function allowedBy(ranges: readonly NetworkAddress[], addresses: readonly string[]): boolean {
  return addresses.every((address) => ranges.some((range) => contains(range, address)));
}
