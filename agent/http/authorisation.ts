import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../common/secret.js';

/** Whether a request may change something. `unconfigured`: nobody may, as the agent was given no secret. */
export type Authorisation = 'right' | 'wrong' | 'missing' | 'unconfigured';

/** Judges the header `Authorization: Bearer SECRET`, in the same time whatever it holds. */
export function authorisation(header: string | undefined, secret: Secret | undefined): Authorisation {
  if (!secret) return 'unconfigured';
  const given = /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
  if (given === undefined) return 'missing';
  return timingSafeEqual(digest(given), digest(secret.reveal())) ? 'right' : 'wrong';
}

/** Two digests are of one length, as the comparison needs. */
function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
