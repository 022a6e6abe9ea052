import { ipVersion } from '../../../common/ip-address.js';
import { plainText } from '../../../common/text/plain-text.js';
import { nameOf, type Instance } from './instances.js';

const nodeShape = /^[A-Za-z0-9_.-]{1,253}$/;
/** Longer texts are cut in sentences. */
const mostShown = 60;

/** Why an entry of the catalogue cannot be used by any template, as a part of a sentence; undefined: it can. */
export function refusalOf({ node, address, port }: Instance): string | undefined {
  if (ipVersion(address) === undefined)
    return `its address is ${shown(address)}, and only an IP address can be used`;
  if (address === '0.0.0.0' || address === '::')
    return `its address is ${address}, which is not the address of a host`;
  if (port === 0) return 'it has no port';
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    return `its port is ${port}, and only 1 to 65535 can be used`;
  if (!nodeShape.test(node))
    return `its node is called ${shown(node)}, and only up to 253 letters, digits, dots, dashes and underscores can be used`;
  return undefined;
}

/** Consul's id is any text; only people read it. */
export function leftOutText(service: string, instance: Instance, why: string): string {
  return `${plainText(service)}: ${nameOf(instance)} is left out: ${why}`;
}

/** A text of the catalogue within a sentence. */
export function shown(text: string): string {
  const plain = plainText(text);
  return JSON.stringify(plain.length > mostShown ? `${plain.slice(0, mostShown)}…` : plain);
}
