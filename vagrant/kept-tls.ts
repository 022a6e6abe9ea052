import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readPair, type Pair, type PairFiles } from './tls-pair.js';

/** `given`: by a person, at an earlier call. `own`: made here. */
export function keptFiles(folder: string, kind: 'given' | 'own'): PairFiles {
  return { certificate: join(folder, `${kind}-cert.pem`), key: join(folder, `${kind}-key.pem`) };
}

export type Kept =
  | { readonly state: 'none' }
  | { readonly state: 'kept'; readonly pair: Extract<Pair, { state: 'read' }> }
  /** Half of it is missing or garbled, or the halves do not belong together: a call was cut off between the two. */
  | { readonly state: 'broken'; readonly why: string };

export async function readKept(folder: string, kind: 'given' | 'own', nowMs: number): Promise<Kept> {
  const files = keptFiles(folder, kind);
  if (!existsSync(files.certificate) && !existsSync(files.key)) return { state: 'none' };
  const pair = await readPair(files, nowMs);
  if (pair.state === 'unusable') return { state: 'broken', why: `${files[pair.which]}: ${pair.why}` };
  return pair.match
    ? { state: 'kept', pair }
    : { state: 'broken', why: `${files.key} is not the key of ${files.certificate}` };
}
