/** A Postgres WAL position in bytes. Positions grow past 2^53 in theory, so they are bigints. */
export type Lsn = bigint;

/** Parses `16/B374D848`. Throws a RangeError on anything else. */
export function parseLsn(text: string): Lsn {
  const match = /^([0-9A-Fa-f]{1,8})\/([0-9A-Fa-f]{1,8})$/.exec(text);
  if (!match)
    throw new RangeError(`not a WAL position: ${JSON.stringify(text)} (expected for example 0/3000060)`);
  return (BigInt(`0x${match[1]}`) << 32n) | BigInt(`0x${match[2]}`);
}

/** As Postgres itself writes it. */
export function formatLsn(lsn: Lsn): string {
  return `${hex(lsn >> 32n)}/${hex(lsn & 0xffff_ffffn)}`;
}

const hex = (half: bigint): string => half.toString(16).toUpperCase();

/** How many bytes `behind` trails `ahead`; never negative. */
export function lagBytes(ahead: Lsn, behind: Lsn): number {
  return ahead > behind ? Number(ahead - behind) : 0;
}
