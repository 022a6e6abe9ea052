import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { UserError, messageOf } from '../common/errors.js';

/** Everything secret of one topology. Made once, kept in one file of mode 0600, never in git. */
export interface Secrets {
  readonly gossipKey: string;
  readonly tokens: {
    /** For Consul's own agents: may register their node. */
    readonly node: string;
    /** For hotspare's agents: may write the services of the topology. */
    readonly agent: string;
    /** For apps: may read nodes and services. */
    readonly app: string;
  };
  readonly passwords: {
    readonly postgres: string;
    readonly replication: string;
    readonly agent: string;
    readonly app: string;
    readonly migration: string;
  };
}

export function makeSecrets(): Secrets {
  const password = () => randomBytes(18).toString('base64url');
  return {
    gossipKey: randomBytes(32).toString('base64'),
    tokens: { node: randomUUID(), agent: randomUUID(), app: randomUUID() },
    passwords: {
      postgres: password(),
      replication: password(),
      agent: password(),
      app: password(),
      migration: password(),
    },
  };
}

/** The secrets of `file`; makes them at the first call. */
export function loadOrMakeSecrets(file: string): Secrets {
  if (!existsSync(file)) {
    const temporary = `${file}.new`;
    writeFileSync(temporary, `${JSON.stringify(makeSecrets(), null, 2)}\n`, { mode: 0o600 });
    chmodSync(temporary, 0o600);
    renameSync(temporary, file);
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Secrets;
  } catch (error) {
    throw new UserError(
      `${file} cannot be read as JSON (${messageOf(error)}). It holds the passwords the databases were made with: restore it, or make everything anew with "hotspare lab nuke".`,
    );
  }
}
