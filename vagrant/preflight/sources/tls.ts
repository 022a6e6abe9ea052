import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { codeOf } from '../../../common/errors.js';
import type { Tls } from '../model.js';
import { namesIn } from './files.js';
import type { Environment } from './programs.js';

/** Looks at the given certificate and key. Relative paths are taken from `folder`; earlier ones are in `keptIn`. */
export async function gatherTls(
  environment: Environment,
  folder: string,
  keptIn: string,
  nowMs: number,
): Promise<Tls> {
  const [certificate, key] = [environment['HOTSPARE_TLS_CERT'], environment['HOTSPARE_TLS_KEY']];
  if (!certificate && !key) {
    const kept = await namesIn(keptIn);
    return { state: kept?.some((name) => /^(given|own)-cert\.pem$/.test(name)) ? 'kept' : 'none-given' };
  }
  if (!certificate) return { state: 'half-given', missing: 'HOTSPARE_TLS_CERT' };
  if (!key) return { state: 'half-given', missing: 'HOTSPARE_TLS_KEY' };
  const read = await readAs(certificate, folder, (pem) => new X509Certificate(pem), 'no certificate in PEM');
  if ('why' in read) return { state: 'unusable', file: certificate, why: read.why };
  const readKey = await readAs(key, folder, (pem) => createPrivateKey(pem), 'no private key in PEM');
  if ('why' in readKey) return { state: 'unusable', file: key, why: readKey.why };
  return {
    state: 'given',
    certificate,
    key,
    match: read.value.checkPrivateKey(readKey.value),
    expired: Date.parse(read.value.validTo) <= nowMs,
    expires: read.value.validTo,
  };
}

/** What the file holds, or why not: in words of our own, since a parser's may quote what it read. */
async function readAs<T>(
  file: string,
  folder: string,
  parse: (pem: Buffer) => T,
  otherwise: string,
): Promise<{ value: T } | { why: string }> {
  let pem: Buffer;
  try {
    pem = await readFile(resolve(folder, file));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return { why: 'there is no such file' };
    return {
      why:
        codeOf(error) === 'EACCES'
          ? 'it may not be read by this user'
          : `it cannot be read (${codeOf(error)})`,
    };
  }
  if (/ENCRYPTED/.test(pem.toString('latin1'))) return { why: 'it is protected by a passphrase' };
  try {
    return { value: parse(pem) };
  } catch {
    return { why: `it holds ${otherwise}` };
  }
}
