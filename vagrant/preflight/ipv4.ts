import type { NetworkAddress } from './model.js';

/** The address as a number; undefined when it is none. */
export function ipv4Number(address: string): number | undefined {
  const numbers = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(address)?.slice(1).map(Number);
  if (!numbers || numbers.some((n) => n > 255)) return undefined;
  return numbers.reduce((sum, n) => sum * 256 + n, 0);
}

/** `192.168.56.0/21`; undefined when it is no IPv4 network. Without a length it is one address. */
export function parseNetwork(text: string): NetworkAddress | undefined {
  const [address = '', length = '32', ...rest] = text.split('/');
  const prefixLength = /^\d{1,2}$/.test(length) ? Number(length) : 33;
  if (rest.length > 0 || prefixLength > 32 || ipv4Number(address) === undefined) return undefined;
  return { address, prefixLength };
}

export function contains(network: NetworkAddress, address: string): boolean {
  return overlap(network, { address, prefixLength: 32 });
}

export function overlap(a: NetworkAddress, b: NetworkAddress): boolean {
  const size = 2 ** (32 - Math.min(a.prefixLength, b.prefixLength));
  const [first, second] = [ipv4Number(a.address), ipv4Number(b.address)];
  if (first === undefined || second === undefined) return false;
  return Math.floor(first / size) === Math.floor(second / size);
}

/** The prefix length of a mask such as 255.255.255.0. */
export function prefixLengthOf(mask: string): number {
  return (ipv4Number(mask) ?? 0).toString(2).replaceAll('0', '').length;
}

export function networkOf(subnet: string): NetworkAddress {
  return { address: `${subnet}.0`, prefixLength: 24 };
}
