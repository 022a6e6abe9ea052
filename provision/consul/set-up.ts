import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { sleep, type Clock } from '../../common/clock.js';
import { ConsulConnection } from '../../common/consul/connection.js';
import { ConsulFailure } from '../../common/consul/failure.js';
import { UserError, messageOf } from '../../common/errors.js';
import { aclOf } from './acl.js';
import type { Secrets } from '../site/secrets.js';
import type { Topology } from '../topology/topology.js';
import { writeDurably } from '../../common/runtime/files/replace-file.js';

const anonymousAccessor = '00000000-0000-0000-0000-000000000002';
/** One that was away for a while and was removed comes back without a vote, and the next loss costs the quorum. */
const keepDeadServers = { CleanupDeadServers: false } as const;
const requestTimeoutMs = 5_000;
/** How long a restarted Consul may take until it knows its tokens again. */
const knownTimeoutMs = 20_000;

/** Thrown when Consul was bootstrapped before and nobody kept the management token. */
export class LostManagementToken extends UserError {}

export interface AclSetup {
  readonly topology: Topology;
  readonly secrets: Secrets;
  /** Base URLs of the Consul servers. */
  readonly servers: readonly string[];
  /** Where the management token is kept, mode 0600. */
  readonly managementTokenFile: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** Waits (60 s at most) until the servers have chosen a leader. */
export async function waitForLeader({
  servers,
  clock,
  signal,
}: Pick<AclSetup, 'servers' | 'clock' | 'signal'>): Promise<void> {
  const deadline = clock.nowMs() + 60_000;
  let last = 'no answer';
  while (clock.nowMs() < deadline) {
    for (const server of servers) {
      try {
        const leader = await request({ clock, signal }, server, undefined, 'GET', 'status/leader');
        if (leader !== '') return;
        last = `${server} says that it knows of none`;
      } catch (error) {
        last = `${server}: ${messageOf(error)}`;
      }
    }
    await sleep(clock, 50, { signal });
  }
  throw new UserError(`the Consul servers have not chosen a leader within 60 s (${last})`);
}

/**
 * Makes policies and tokens what `aclOf` says. Repeatable; does nothing when nothing changed. A Consul that knows nothing
 * of the kept management token (all boxes were made anew) is set up from the start; one that others set up is refused
 * with LostManagementToken.
 */
export async function setUpAcl(setup: AclSetup): Promise<void> {
  const { topology, secrets, managementTokenFile } = setup;
  const wanted = aclOf(topology, secrets);
  const doneFile = `${managementTokenFile}.applied`;
  const digest = createHash('sha256')
    .update(JSON.stringify({ ...wanted, autopilot: keepDeadServers }))
    .digest('hex');
  const { token: management, isNew } = await managementToken(setup);
  if (!isNew && existsSync(doneFile) && readFileSync(doneFile, 'utf8') === digest) return;

  const call = caller(setup, management);
  const known = (await call('GET', 'acl/policies')) as { ID: string; Name: string }[];
  for (const policy of wanted.policies) {
    const id = known.find(({ Name }) => Name === policy.Name)?.ID;
    await call('PUT', id === undefined ? 'acl/policy' : `acl/policy/${id}`, policy);
  }
  for (const token of wanted.tokens) {
    const accessor = token.secret === undefined ? anonymousAccessor : accessorFor(token.secret);
    const body = {
      AccessorID: accessor,
      Description: token.description,
      Policies: token.policies.map((Name) => ({ Name })),
      ...(token.secret === undefined ? {} : { SecretID: token.secret }),
    };
    const isThere = await call('GET', `acl/token/${accessor}`).then(
      () => true,
      () => false,
    );
    await call('PUT', isThere ? `acl/token/${accessor}` : 'acl/token', body);
  }
  // The configuration file counts only while a cluster is made.
  const autopilot = (await call('GET', 'operator/autopilot/configuration')) as Record<string, unknown>;
  if (autopilot['CleanupDeadServers'] !== false)
    await call('PUT', 'operator/autopilot/configuration', { ...autopilot, ...keepDeadServers });
  // Servers began before their token existed, and would try again only after a quarter of a minute.
  for (const server of setup.servers) {
    await request(setup, server, management, 'PUT', 'agent/token/agent', {
      Token: secrets.tokens.node,
    });
  }
  keep(doneFile, digest);
}

/** The accessor is no secret, but must stay the same from run to run. */
function accessorFor(secret: string): string {
  const hex = createHash('sha256').update(`accessor:${secret}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The kept token if this Consul knows it, else that of a new bootstrap. */
async function managementToken(setup: AclSetup): Promise<{ token: string; isNew: boolean }> {
  const { managementTokenFile, clock, signal } = setup;
  const kept = existsSync(managementTokenFile) ? readFileSync(managementTokenFile, 'utf8').trim() : '';
  const deadline = clock.nowMs() + knownTimeoutMs;
  for (;;) {
    if (kept !== '' && (await isKnown(setup, kept))) return { token: kept, isNew: false };
    // Only Consul itself can tell a new cluster from one that has not read its own log yet: the second refuses.
    const made = await bootstrap(setup);
    if (made !== undefined) {
      // Gone before the new token stands: what was applied was applied to another cluster.
      rmSync(`${managementTokenFile}.applied`, { force: true });
      keep(managementTokenFile, `${made}\n`);
      return { token: made, isNew: true };
    }
    if (kept === '' || clock.nowMs() > deadline) throw lostToken(managementTokenFile, kept);
    await sleep(clock, 250, { signal });
  }
}

function lostToken(file: string, kept: string): LostManagementToken {
  return new LostManagementToken(
    kept === ''
      ? `Consul's access control was set up before, but ${file} with its management token is not there`
      : `Consul's access control was set up before, and not with the management token in ${file}: put the right one there`,
  );
}

async function isKnown(setup: AclSetup, token: string): Promise<boolean> {
  try {
    await insist(setup, 'the management token', (server) =>
      request(setup, server, token, 'GET', 'acl/token/self'),
    );
    return true;
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    if (cause instanceof ConsulFailure && cause.kind === 'forbidden') return false;
    throw error;
  }
}

/** The first token of a cluster that was never set up; undefined where that was done before. */
async function bootstrap(setup: AclSetup): Promise<string | undefined> {
  try {
    const answer = await insist(setup, 'ACL bootstrap', (server) =>
      request(setup, server, undefined, 'PUT', 'acl/bootstrap'),
    );
    return (answer as { SecretID: string }).SecretID;
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    if (cause instanceof ConsulFailure && cause.message.includes('bootstrap no longer allowed'))
      return undefined;
    throw error;
  }
}

function caller(setup: AclSetup, token: string) {
  return (method: 'GET' | 'PUT', path: string, body?: object) =>
    insist(setup, `${method} ${path}`, (server) => request(setup, server, token, method, path, body));
}

/** The access control of a young cluster answers with 500 for a moment: tries again for 20 s. Other refusals are final. */
async function insist(
  setup: AclSetup,
  what: string,
  attempt: (server: string) => Promise<unknown>,
): Promise<unknown> {
  const { servers, clock, signal } = setup;
  const deadline = clock.nowMs() + 20_000;
  for (let turn = 0; ; turn++) {
    try {
      return await attempt(servers[turn % servers.length] ?? '');
    } catch (error) {
      const { status } = error as ConsulFailure;
      const final = status !== undefined && status < 500;
      if (final || clock.nowMs() > deadline)
        throw new UserError(`Consul refused ${what}: ${sentenceOf(error as ConsulFailure)}`, {
          cause: error,
        });
      await sleep(clock, 100, { signal });
    }
  }
}

function sentenceOf({ status, message }: ConsulFailure): string {
  return status === undefined ? message : `${status} ${message}`;
}

/** @throws ConsulFailure, or the reason of the signal. */
async function request(
  { clock, signal }: Pick<AclSetup, 'clock' | 'signal'>,
  server: string,
  token: string | undefined,
  method: 'GET' | 'PUT',
  path: string,
  body?: object,
): Promise<unknown> {
  const connection = new ConsulConnection({ url: server, clock, token: () => token });
  const question = { path, deadlineMs: requestTimeoutMs, signal };
  try {
    const answer =
      method === 'GET'
        ? await connection.get(question)
        : await connection.put({ ...question, ...(body && { body }) });
    return answer.body;
  } finally {
    connection.close();
  }
}

function keep(file: string, content: string): void {
  writeDurably(file, content);
}
