import { randomBytes, randomUUID } from 'node:crypto';
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { UserError } from '../../common/errors.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';

/** Everything secret of one topology. Made once, kept in one file of mode 0600, never in git. */
export interface Secrets {
  readonly gossipKey: string;
  /** Shown to an agent's HTTP endpoint by who wants to change something. */
  readonly http: string;
  readonly tokens: {
    /** For Consul's own agents: may register their node. */
    readonly node: string;
    /** For hotspare's agents: may write the services of the topology that have no roles. */
    readonly agent: string;
    /** For those on boxes with a service that has roles: may write that, take its lease, and write what its members share. */
    readonly memberAgent: string;
    /** For apps: may read nodes and services. */
    readonly app: string;
  };
  readonly passwords: {
    /** The superuser's, in the lab; real boxes let it in only by the local socket, without a password. */
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
    http: randomBytes(32).toString('base64url'),
    tokens: { node: randomUUID(), agent: randomUUID(), memberAgent: randomUUID(), app: randomUUID() },
    passwords: {
      postgres: password(),
      replication: password(),
      agent: password(),
      app: password(),
      migration: password(),
    },
  };
}

/**
 * The secrets of `file`; makes them at the first call, and adds what a file of an earlier version lacks. Throws a
 * UserError when the file is no JSON object of secrets.
 */
export function loadOrMakeSecrets(file: string): Secrets {
  if (!existsSync(file)) {
    const made = makeSecrets();
    keep(file, made);
    return made;
  }
  chmodSync(file, 0o600);
  const found = parse(file);
  const { all, added } = completed(found, makeSecrets());
  if (added) keep(file, all);
  return all;
}

function parse(file: string): Record<string, unknown> {
  const advice =
    'It holds the passwords the databases were made with: restore it, or make everything anew ("hotspare lab nuke", for real boxes "vagrant destroy").';
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    // What the parser says may quote the text.
    throw new UserError(`${file} cannot be read as JSON. ${advice}`);
  }
  if (isObject(data)) return data;
  throw new UserError(`${file} is not a JSON object of secrets. ${advice}`);
}

/** `found`, with what it lacks taken from `fresh`. */
function completed<T extends object>(found: Record<string, unknown>, fresh: T): { all: T; added: boolean } {
  let added = false;
  const entries = Object.entries(fresh).map(([key, value]: [string, unknown]) => {
    const old = found[key];
    if (isObject(value)) {
      const inner = completed(isObject(old) ? old : {}, value);
      added ||= inner.added;
      return [key, inner.all];
    }
    if (typeof old === 'string' && old !== '') return [key, old];
    added = true;
    return [key, value];
  });
  return { all: { ...found, ...Object.fromEntries(entries) } as T, added };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function keep(file: string, secrets: Secrets): void {
  writeDurably(file, `${JSON.stringify(secrets, null, 2)}\n`);
}
