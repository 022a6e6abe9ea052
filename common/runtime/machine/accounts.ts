import { readFileSync } from 'node:fs';
import { messageOf, UserError } from '../../errors.js';

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

/** From now on this process is that account, with its groups. Only root may; whoever is that account already stays it. Throws a UserError. */
export function becomeAccount(name: string): void {
  const { uid, gid } = accountOf(name);
  if (process.getuid?.() === uid) return;
  try {
    process.setgroups!([gid, ...groupsWith(name)]);
    process.setgid!(gid);
    process.setuid!(uid);
  } catch (error) {
    throw new UserError(`this process cannot become ${name}: ${messageOf(error)}; only root may say --user`, {
      exitCode: 2,
    });
  }
}

function groupsWith(name: string): number[] {
  return readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter(([, , , members = '']) => members.split(',').includes(name))
    .map(([, , gid]) => Number(gid));
}
