import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { codeOf } from '../common/errors.js';

/** A certificate file and a key file, as they were found. */
export type Pair =
  | { readonly state: 'unusable'; readonly which: keyof PairFiles; readonly why: string }
  | {
      readonly state: 'read';
      /** PEM texts. */
      readonly certificate: string;
      readonly key: string;
      readonly parsed: X509Certificate;
      /** Whether the key is the certificate's. */
      readonly match: boolean;
      readonly validity: Validity;
      /** Until when, as the certificate writes it. */
      readonly expires: string;
    };

export type Validity = 'good' | 'ends-soon' | 'over';

const soonMs = 30 * 24 * 60 * 60 * 1000;

export interface PairFiles {
  readonly certificate: string;
  readonly key: string;
}

export async function readPair(files: PairFiles, nowMs: number): Promise<Pair> {
  const certificate = await readAs(
    files.certificate,
    (pem) => new X509Certificate(pem),
    'no certificate in PEM',
  );
  if ('why' in certificate) return { state: 'unusable', which: 'certificate', why: certificate.why };
  const key = await readAs(files.key, createPrivateKey, 'no private key in PEM');
  if ('why' in key) return { state: 'unusable', which: 'key', why: key.why };
  return {
    state: 'read',
    certificate: certificate.pem,
    key: key.pem,
    parsed: certificate.value,
    match: certificate.value.checkPrivateKey(key.value),
    validity: validityOf(certificate.value, nowMs),
    expires: certificate.value.validTo,
  };
}

function validityOf({ validTo }: X509Certificate, nowMs: number): Validity {
  const leftMs = Date.parse(validTo) - nowMs;
  return leftMs <= 0 ? 'over' : leftMs <= soonMs ? 'ends-soon' : 'good';
}

/** What the file holds, or why not: in words of our own, since a parser's may quote what it read. */
async function readAs<T>(
  file: string,
  parse: (pem: string) => T,
  otherwise: string,
): Promise<{ pem: string; value: T } | { why: string }> {
  let pem: string;
  try {
    pem = await readFile(file, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { why: 'there is no such file' };
    return {
      why:
        codeOf(error) === 'EACCES'
          ? 'it may not be read by this user'
          : `it cannot be read (${codeOf(error)})`,
    };
  }
  if (/ENCRYPTED/.test(pem)) return { why: 'it is protected by a passphrase' };
  try {
    return { pem, value: parse(pem) };
  } catch {
    return { why: `it holds ${otherwise}` };
  }
}
