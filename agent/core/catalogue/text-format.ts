import { assertNever } from '../../../common/assert-never.js';
import { ipVersion } from '../../../common/ip-address.js';
import { isPlain } from '../../../common/text/plain-text.js';

/** What reads the file that a template makes. It says which text from the catalogue may stand there. */
export const textFormats = ['nginx', 'hosts', 'text'] as const;
export type TextFormat = (typeof textFormats)[number];

/** Never let in, whatever reads it: control characters, and what ends a text, a statement or a block nearly everywhere. */
const ending = /["'`;{}]/;
/** One word for nginx: nothing that begins another, a variable, a comment or an escape. */
const nginxWord = /^[^\s$#\\]*$/;
const hostsWord = /^[^\s#]*$/;

/** Whether a text from the catalogue may stand in such a file. */
export function admits(format: TextFormat, text: string): boolean {
  if (!isPlain(text) || ending.test(text)) return false;
  switch (format) {
    case 'nginx':
      return nginxWord.test(text);
    case 'hosts':
      return hostsWord.test(text);
    case 'text':
      return true;
    default:
      return assertNever(format);
  }
}

/** The address as such a file wants it: nginx takes IPv6 in brackets only. */
export function addressFor(format: TextFormat, address: string): string {
  return format === 'nginx' && ipVersion(address) === 'v6' ? `[${address}]` : address;
}
