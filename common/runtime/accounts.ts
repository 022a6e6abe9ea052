import { readFileSync } from 'node:fs';
import { UserError } from '../errors.js';

/** Numbers of a local account. Throws UserError when there is none of that name. */
export function accountOf(name: string): { uid: number; gid: number } {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) {
    throw new UserError(
      `there is no user "${name}" on this machine; it comes with the distribution's PostgreSQL package`,
    );
  }
  return { uid: Number(uid), gid: Number(gid) };
}
