import { failoverKeys } from '../../common/failover/keys.js';
import type { Secrets } from '../site/secrets.js';
import { serviceNames } from '../services/index.js';
import { isMember, servicesWithRoles } from '../services/parts/roles.js';
import type { Topology } from '../topology/model.js';

export interface Policy {
  readonly Name: string;
  readonly Description: string;
  readonly Rules: string;
}

/** A Consul ACL token that is to exist; `secret` undefined means the anonymous token. */
export interface Token {
  readonly secret: string | undefined;
  readonly description: string;
  readonly policies: readonly string[];
}

const readCatalogue = 'node_prefix "" { policy = "read" }\nservice_prefix "" { policy = "read" }';
const readAgents = 'agent_prefix "" { policy = "read" }';

const rule = (resource: string, name: string) => `${resource} "${name}" { policy = "write" }`;

/** Lease, record and what else the members share; a session for each, which another member may have to end. */
function memberRules({ boxes }: Topology): string {
  const members = boxes.filter(isMember);
  const theirs = serviceNames.filter((name) => members.some((box) => box.services.includes(name)));
  return [
    ...theirs.map((name) => rule('service', name)),
    ...servicesWithRoles.map((name) => rule('key_prefix', failoverKeys(name).prefix)),
    ...members.map(({ name }) => rule('session', name)),
    'session_prefix "" { policy = "read" }',
    readCatalogue,
    readAgents,
  ].join('\n');
}

/** Everything is denied but what stands here: one policy and one token per purpose. */
export function aclOf(topology: Topology, secrets: Secrets): { policies: Policy[]; tokens: Token[] } {
  const nodes = topology.boxes.map(({ name }) => rule('node', name)).join('\n');
  const without = serviceNames.filter((name) => !servicesWithRoles.includes(name));
  return {
    policies: [
      {
        Name: 'hotspare-read',
        Description: 'Read nodes and services: what DNS and the UI need',
        Rules: readCatalogue,
      },
      {
        Name: 'hotspare-node',
        Description: "Consul's own agents: keep their node in the catalogue",
        Rules: `${nodes}\nservice_prefix "" { policy = "read" }`,
      },
      {
        Name: 'hotspare-agent',
        Description: "hotspare's agents: register the services of the topology that have no roles",
        Rules: [...without.map((name) => rule('service', name)), readCatalogue, readAgents].join('\n'),
      },
      {
        Name: 'hotspare-member',
        Description: "hotspare's agents of members: register them, hold the lease, write the record",
        Rules: memberRules(topology),
      },
    ],
    tokens: [
      { secret: undefined, description: 'Anonymous: DNS and UI', policies: ['hotspare-read'] },
      { secret: secrets.tokens.app, description: 'hotspare app', policies: ['hotspare-read'] },
      { secret: secrets.tokens.node, description: 'hotspare node', policies: ['hotspare-node'] },
      { secret: secrets.tokens.agent, description: 'hotspare agent', policies: ['hotspare-agent'] },
      {
        secret: secrets.tokens.memberAgent,
        description: 'hotspare agent of a member',
        policies: ['hotspare-member'],
      },
    ],
  };
}
