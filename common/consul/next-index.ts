/**
 * The index of the next blocking query: what Consul's answer said (`x-consul-index`), unless that is missing, no
 * positive number, or smaller than the one sent (restored, or a new cluster). Then `0`, which is answered at once.
 */
export function nextIndex(sent: string, seen: string | readonly string[] | undefined): string {
  if (typeof seen !== 'string' || !/^\d{1,20}$/.test(seen)) return '0';
  return BigInt(seen) < BigInt(sent) || BigInt(seen) < 1n ? '0' : seen;
}
