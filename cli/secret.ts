import { readFileSync } from 'node:fs';
import { UserError, codeOf, messageOf } from '../common/errors.js';
import { Secret } from '../common/secret.js';

/** Where a box has the topology's secret. */
export const secretDefault = '/etc/hotspare/http.secret';

export const secretHelp = `the topology's secret; default HOTSPARE_SECRET_FILE, else the lab's, else ${secretDefault}`;

/** The topology's secret. Throws UserError, exit code 2. */
export function readSecret(file: string): Secret {
  const refuse = (why: string): never => {
    throw new UserError(
      `${file}: ${why}; the topology's secret is needed: on a box run this with sudo, elsewhere name its file with --secret-file or HOTSPARE_SECRET_FILE`,
      { exitCode: 2 },
    );
  };
  try {
    const secret = readFileSync(file, 'utf8').trim();
    return /^[\x21-\x7e]+$/.test(secret) ? new Secret(secret) : refuse('holds no secret');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = codeOf(error);
    return refuse(
      code === 'ENOENT'
        ? 'there is no such file'
        : code === 'EACCES'
          ? 'this user may not read it'
          : messageOf(error),
    );
  }
}
