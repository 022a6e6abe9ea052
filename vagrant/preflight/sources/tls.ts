import { resolve } from 'node:path';
import { readKept } from '../../kept-tls.js';
import { readPair } from '../../tls-pair.js';
import type { Tls } from '../model.js';
import type { Environment } from './programs.js';

/** Looks at the given certificate and key. Relative paths are taken from `folder`; earlier ones are in `keptIn`. */
export async function gatherTls(
  environment: Environment,
  folder: string,
  keptIn: string,
  nowMs: number,
): Promise<Tls> {
  const [certificate, key] = [environment['HOTSPARE_TLS_CERT'], environment['HOTSPARE_TLS_KEY']];
  if (!certificate && !key) return gatherKept(keptIn, nowMs);
  if (!certificate) return { state: 'half-given', missing: 'HOTSPARE_TLS_CERT' };
  if (!key) return { state: 'half-given', missing: 'HOTSPARE_TLS_KEY' };
  const files = { certificate: resolve(folder, certificate), key: resolve(folder, key) };
  const pair = await readPair(files, nowMs);
  if (pair.state === 'unusable')
    return { state: 'unusable', file: pair.which === 'certificate' ? certificate : key, why: pair.why };
  const { match, validity, expires } = pair;
  return { state: 'given', certificate, key, match, validity, expires };
}

async function gatherKept(folder: string, nowMs: number): Promise<Tls> {
  const given = await readKept(folder, 'given', nowMs);
  if (given.state === 'broken') return { state: 'kept-broken', folder, why: given.why };
  if (given.state === 'kept') {
    const { validity, expires } = given.pair;
    return { state: 'kept', folder, validity, expires };
  }
  // Made anew in time.
  return { state: (await readKept(folder, 'own', nowMs)).state === 'kept' ? 'made' : 'none-given' };
}
