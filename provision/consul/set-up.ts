import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { sleep, type Clock } from '../../common/clock.js';
import { UserError, messageOf } from '../../common/errors.js';
import { aclOf } from './acl.js';
import type { Secrets } from '../site/secrets.js';
import type { Topology } from '../topology/topology.js';
import { writeDurably } from '../../common/runtime/durable.js';

const anonymousAccessor = '00000000-0000-0000-0000-000000000002';
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
        const response = await fetch(`${server}/v1/status/leader`, {
          signal: AbortSignal.timeout(requestTimeoutMs),
        });
        const text = await response.text();
        if (response.ok && text.length > 2) return;
        last = `${server} says ${text}`;
      } catch (error) {
        last = messageOf(error);
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
  const digest = createHash('sha256').update(JSON.stringify(wanted)).digest('hex');
  const { token: management, isNew } = await managementToken(setup);
  if (!isNew && existsSync(doneFile) && readFileSync(doneFile, 'utf8') === digest) return;

  const call = caller(setup, management);
  const known = (await call('GET', '/v1/acl/policies')) as { ID: string; Name: string }[];
  for (const policy of wanted.policies) {
    const id = known.find(({ Name }) => Name === policy.Name)?.ID;
    await call('PUT', id === undefined ? '/v1/acl/policy' : `/v1/acl/policy/${id}`, policy);
  }
  for (const token of wanted.tokens) {
    const accessor = token.secret === undefined ? anonymousAccessor : accessorFor(token.secret);
    const body = {
      AccessorID: accessor,
      Description: token.description,
      Policies: token.policies.map((Name) => ({ Name })),
      ...(token.secret === undefined ? {} : { SecretID: token.secret }),
    };
    const isThere = await call('GET', `/v1/acl/token/${accessor}`).then(
      () => true,
      () => false,
    );
    await call('PUT', isThere ? `/v1/acl/token/${accessor}` : '/v1/acl/token', body);
  }
  // Servers began before their token existed, and would try again only after a quarter of a minute.
  for (const server of setup.servers) {
    await request(`${server}/v1/agent/token/agent`, 'PUT', management, { Token: secrets.tokens.node });
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
      request(`${server}/v1/acl/token/self`, 'GET', token),
    );
    return true;
  } catch (error) {
    if (error instanceof UserError && error.cause instanceof RefusedByConsul && error.cause.status === 403)
      return false;
    throw error;
  }
}

/** The first token of a cluster that was never set up; undefined where that was done before. */
async function bootstrap(setup: AclSetup): Promise<string | undefined> {
  try {
    const answer = await insist(setup, 'ACL bootstrap', (server) =>
      request(`${server}/v1/acl/bootstrap`, 'PUT', undefined),
    );
    return (answer as { SecretID: string }).SecretID;
  } catch (error) {
    const { cause } = error as { cause?: unknown };
    if (cause instanceof RefusedByConsul && cause.message.includes('bootstrap no longer allowed'))
      return undefined;
    throw error;
  }
}

function caller(setup: AclSetup, token: string) {
  return (method: 'GET' | 'PUT', path: string, body?: object) =>
    insist(setup, `${method} ${path}`, (server) => request(`${server}${path}`, method, token, body));
}

class RefusedByConsul extends Error {
  constructor(
    readonly status: number,
    text: string,
  ) {
    super(`${status} ${text}`);
  }
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
      const refused = error instanceof RefusedByConsul ? error : undefined;
      const final = refused !== undefined && refused.status < 500;
      if (final || clock.nowMs() > deadline)
        throw new UserError(`Consul refused ${what}: ${messageOf(error)}`, { cause: error });
      await sleep(clock, 100, { signal });
    }
  }
}

async function request(
  url: string,
  method: string,
  token: string | undefined,
  body?: object,
): Promise<unknown> {
  const response = await fetch(url, {
    method,
    headers: token === undefined ? {} : { 'X-Consul-Token': token },
    signal: AbortSignal.timeout(requestTimeoutMs),
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new RefusedByConsul(response.status, text.trim());
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

function keep(file: string, content: string): void {
  writeDurably(file, content);
}
