import type { Secrets } from '../site/secrets.js';
import { serviceNames } from '../services/index.js';
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

/** Everything is denied but what stands here: one policy and one token per purpose. */
export function aclOf(topology: Topology, secrets: Secrets): { policies: Policy[]; tokens: Token[] } {
  const nodes = topology.boxes.map(({ name }) => `node "${name}" { policy = "write" }`).join('\n');
  const services = serviceNames.map((name) => `service "${name}" { policy = "write" }`).join('\n');
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
        Description: "hotspare's agents: register the services of the topology",
        Rules: `${services}\n${readCatalogue}\nagent_prefix "" { policy = "read" }`,
      },
    ],
    tokens: [
      { secret: undefined, description: 'Anonymous: DNS and UI', policies: ['hotspare-read'] },
      { secret: secrets.tokens.app, description: 'hotspare app', policies: ['hotspare-read'] },
      { secret: secrets.tokens.node, description: 'hotspare node', policies: ['hotspare-node'] },
      { secret: secrets.tokens.agent, description: 'hotspare agent', policies: ['hotspare-agent'] },
    ],
  };
}
