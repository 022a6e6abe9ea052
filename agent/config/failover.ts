import type { ConfigReader } from '../../common/text/config-reader.js';
import type { Policy } from '../../common/failover/shapes.js';
import { pathOf } from './files.js';
import { optionalMapping } from './service.js';

/** Another member of the service, or this one. */
export interface MemberPlace {
  readonly address: string;
  readonly port: number;
  /** Base URL of its box's agent. */
  readonly agent: string;
}

/** What an agent needs to move a service's roles; absent: it only observes them. */
export interface FailoverConfig {
  /** Socket of the keeper on this box. */
  readonly keeper: string;
  /** By the name of the box, this one included. */
  readonly members: ReadonlyMap<string, MemberPlace>;
  /** In force while Consul holds none. */
  readonly firstPolicy: Policy;
  /** A target may lag so many bytes behind and is waited for in a switchover. */
  readonly maxLagBytes: number;
  /** 0: this member is never promoted. */
  readonly priority: number;
}

export const failoverDefaults = {
  policy: { roles: 'observe', promotion: 'manual', durability: 'async', strict: false, paused: false },
  maxLagBytes: 16 * 1024 * 1024,
  priority: 1,
} as const satisfies { policy: Policy; maxLagBytes: number; priority: number };

/** Names of members stand in names of standbys and slots, so they are stricter than names of boxes. */
const memberShape = /^[a-z][a-z0-9-]{0,30}$/;
const hostShape = /^[A-Za-z0-9.:_-]+$/;

/** Reads `failover` of a service. Refuses with a ConfigError. */
export function parseFailover(reader: ConfigReader): FailoverConfig | undefined {
  if (!reader.present) return undefined;
  const of = reader.mapping(['keeper', 'members', 'policy', 'maxLagBytes', 'priority']);
  return {
    keeper: pathOf(of('keeper')),
    members: parseMembers(of('members')),
    firstPolicy: parsePolicy(of('policy')),
    maxLagBytes: of('maxLagBytes').or(failoverDefaults.maxLagBytes, (bytes) =>
      bytes.integer('bytes', 0, Number.MAX_SAFE_INTEGER),
    ),
    priority: of('priority').or(failoverDefaults.priority, (number) =>
      number.integer('0 for a member that is never promoted, else 1', 0, 1),
    ),
  };
}

function parseMembers(reader: ConfigReader): FailoverConfig['members'] {
  const members = new Map<string, MemberPlace>();
  for (const item of reader.list('members')) {
    const of = item.mapping(['name', 'address', 'port', 'agent']);
    const name = of('name').text('a member: a small letter, then small letters, digits, dashes', memberShape);
    if (members.has(name)) of('name').refuse('a name that no other member has');
    members.set(name, {
      address: of('address').text('an IP address or host name', hostShape),
      port: of('port').integer('a TCP port', 1, 65_535),
      agent: of('agent')
        .text("the base URL of that box's agent, like http://192.0.2.11:8008", /^https?:\/\/[^/?#\s@]+\/?$/)
        .replace(/\/$/, ''),
    });
  }
  if (members.size === 0) reader.refuse('a list of all members, this one included');
  return members;
}

function parsePolicy(reader: ConfigReader): Policy {
  const of = optionalMapping(reader, ['roles', 'promotion', 'durability', 'strict']);
  const first = failoverDefaults.policy;
  const durability = of('durability')?.oneOf(['async', 'sync']) ?? first.durability;
  return {
    roles: of('roles')?.oneOf(['observe', 'managed']) ?? first.roles,
    promotion:
      of('promotion')?.oneOf(durability === 'sync' ? ['manual', 'auto'] : ['manual']) ?? first.promotion,
    durability,
    strict: of('strict')?.boolean() ?? first.strict,
    paused: false,
  };
}
