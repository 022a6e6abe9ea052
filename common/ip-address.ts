import { isIP } from 'node:net';

/** `v4`, `v6`, or undefined: a host name, an address with a zone, or none at all. */
export function ipVersion(text: string): 'v4' | 'v6' | undefined {
  switch (isIP(text)) {
    case 4:
      return 'v4';
    case 6:
      // A zone is a name that only one box knows.
      return text.includes('%') ? undefined : 'v6';
    default:
      return undefined;
  }
}
