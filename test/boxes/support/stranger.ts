import { execFileSync } from 'node:child_process';
import { bridge, subnet } from './names.js';

/** A machine on the boxes' network that is neither a box nor the one that manages them. */
export const strangerAddress = `${subnet}.99`;

/** Gives this host that address for as long as `body` takes; it goes with the bridge, too. */
export async function withStranger<T>(body: () => Promise<T>): Promise<T> {
  const address = (verb: 'replace' | 'delete') =>
    execFileSync('ip', ['address', verb, `${strangerAddress}/32`, 'dev', bridge]);
  address('replace');
  try {
    return await body();
  } finally {
    address('delete');
  }
}
