/**
 * The index of the next blocking query: what Consul said, unless it went backwards (restored, or a new cluster) or is
 * not a number; then the query starts over, which answers at once.
 */
export function nextIndex(sent: string, seen: string): string {
  if (!/^\d{1,20}$/.test(seen)) return '0';
  return BigInt(seen) < BigInt(sent) || BigInt(seen) < 1n ? '0' : seen;
}
