import { codeOf, messageOf } from './errors.js';
import { targetKey, type Target } from './names.js';

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

/**
 * Why a program cannot listen at an address:
 *
 * - `taken`: another one listens there.
 * - `not-here`: the address is another machine's.
 * - `no-name`: a name without an address.
 * - `not-allowed`: low ports belong to root, and a socket file needs a folder that may be written.
 */
export type ListenTrouble = 'taken' | 'not-here' | 'no-name' | 'not-allowed';

const listenErrors: Readonly<Record<string, ListenTrouble>> = {
  EADDRINUSE: 'taken',
  EADDRNOTAVAIL: 'not-here',
  ENOTFOUND: 'no-name',
  EAI_AGAIN: 'no-name',
  EACCES: 'not-allowed',
  EPERM: 'not-allowed',
};

export function listenTroubleOf(error: unknown): ListenTrouble | undefined {
  const code = codeOf(error) ?? '';
  return Object.hasOwn(listenErrors, code) ? listenErrors[code] : undefined;
}

/** Where a program listens: an address and port, or a socket file. */
export type ListenAt = Target | string;

/** What a person does about it, as a part of a sentence: `change http.port`. */
export interface ListenAdvice {
  /** The address is the wrong one. */
  readonly host: string;
  /** The port, or the file, is the wrong one. */
  readonly port: string;
}

/** Why a program cannot listen there and what to do, for a sentence. Of an error that is none of these, its message. */
export function listenWords(error: unknown, at: ListenAt, advice: ListenAdvice): string {
  const isFile = typeof at === 'string';
  const where = isFile ? at : targetKey(at);
  const host = isFile ? at : at.host;
  switch (listenTroubleOf(error)) {
    case 'taken':
      return `another program listens at ${where}; stop it or ${advice.port}`;
    case 'not-here':
      return `this machine has no address ${host}; ${advice.host}`;
    case 'no-name':
      return `the name ${host} has no address; ${advice.host}`;
    case 'not-allowed':
      return isFile
        ? `its folder is missing, or this user may not make files there; make the folder or ${advice.port}`
        : `this user may not listen on port ${at.port}; ${advice.port}`;
    case undefined:
      return messageOf(error);
  }
}
