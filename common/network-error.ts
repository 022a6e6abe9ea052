import { codeOf } from './errors.js';

/**
 * What a connection that cannot be made, or that broke, tells about the other side:
 *
 * - `refused`: its machine answers, and nothing listens there.
 * - `unreachable`: no way leads there, or nobody has that name.
 * - `silent`: no answer in time, as the system's own patience has it.
 * - `closed`: the connection ended.
 * - `garbage`: what answers there speaks another language.
 * - `own-side`: nothing. This process or its machine lacks what a connection needs: a descriptor, a port, memory, an
 *   interface, a right.
 */
export type NetworkTrouble = 'refused' | 'unreachable' | 'silent' | 'closed' | 'garbage' | 'own-side';

/** Codes of the system and of Node, each with what it tells. */
export const networkErrors: Readonly<Record<string, NetworkTrouble>> = {
  ECONNREFUSED: 'refused',

  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENOTFOUND: 'unreachable',
  EAI_AGAIN: 'unreachable',

  ETIMEDOUT: 'silent',

  ECONNRESET: 'closed',
  ECONNABORTED: 'closed',
  EPIPE: 'closed',
  ERR_STREAM_DESTROYED: 'closed',

  EMFILE: 'own-side',
  ENFILE: 'own-side',
  ENOMEM: 'own-side',
  ENOBUFS: 'own-side',
  EADDRNOTAVAIL: 'own-side',
  EADDRINUSE: 'own-side',
  EAFNOSUPPORT: 'own-side',
  ENETDOWN: 'own-side',
  EACCES: 'own-side',
  EPERM: 'own-side',
};

/** Undefined for what is no error of the network: it needs another judge. */
export function networkTroubleOf(error: unknown): NetworkTrouble | undefined {
  const code = codeOf(error);
  if (code === undefined) return undefined;
  // Node's HTTP parser names its errors so.
  if (code.startsWith('HPE_')) return 'garbage';
  return Object.hasOwn(networkErrors, code) ? networkErrors[code] : undefined;
}

/** For a sentence: "connection refused", else the system's own code; undefined for what is no error of the network. */
export function networkWords(error: unknown): string | undefined {
  const trouble = networkTroubleOf(error);
  if (trouble === undefined || trouble === 'garbage') return undefined;
  return trouble === 'refused' ? 'connection refused' : codeOf(error);
}
